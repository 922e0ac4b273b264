package routing

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain"
)

const (
	maxList = 100 // items of a list
	maxName = 100 // bytes of an item
)

// ParsePreferences reads the value of the member provider of a request; nothing and null wish nothing. Unknown members are refused: a wish that is
// not understood would not be kept. Errors: *domain.Error with code invalid_request and the param, such as provider.sort.by.
// Source of the format: ProviderPreferences in OpenRouter's OpenAPI document; sort by "exacto" is not offered.
func ParsePreferences(raw jsontext.Value) (Preferences, error) {
	var p Preferences
	if len(raw) == 0 {
		return p, nil
	}
	r := reader{dec: jsontext.NewDecoder(bytes.NewReader(raw))}
	if err := r.object("provider", p.member); err != nil {
		return Preferences{}, err
	}
	if err := r.end("provider"); err != nil {
		return Preferences{}, err
	}
	return p, nil
}

func (p *Preferences) member(r *reader, name, param string) error {
	switch name {
	case "order":
		return r.providers(param, &p.Order)
	case "only":
		return r.providers(param, &p.Only)
	case "ignore":
		return r.providers(param, &p.Ignore)
	case "quantizations":
		return r.choices(param, &p.Quantizations, quantizations())
	case "allow_fallbacks":
		allowed := true
		err := r.boolean(param, &allowed)
		p.NoFallbacks = !allowed
		return err
	case "require_parameters":
		return r.boolean(param, &p.RequireParameters)
	case "drop_unsupported":
		return r.boolean(param, &p.DropUnsupported)
	case "zdr":
		return r.boolean(param, &p.ZDR)
	case "enforce_distillable_text":
		return r.boolean(param, &p.Distillable)
	case "data_collection":
		var choice string
		err := r.choice(param, &choice, "allow", "deny")
		p.DenyCollection = choice == "deny"
		return err
	case "sort":
		return p.sort(r, param)
	case "preferred_min_throughput":
		return r.cutoffs(param, &p.MinThroughput)
	case "preferred_max_latency":
		return r.cutoffs(param, &p.MaxLatency)
	case "max_price":
		return r.object(param, p.MaxPrice.member)
	}
	return r.unknown(param)
}

func (p *Preferences) sort(r *reader, param string) error {
	if r.dec.PeekKind() == '{' {
		return r.object(param, func(r *reader, name, param string) error {
			switch name {
			case "by":
				return r.sort(param, &p.Sort)
			case "partition":
				var choice string
				err := r.choice(param, &choice, "model", string(AcrossModels))
				if choice == string(AcrossModels) {
					p.Partition = AcrossModels
				}
				return err
			}
			return r.unknown(param)
		})
	}
	return r.sort(param, &p.Sort)
}

func (m *MaxPrice) member(r *reader, name, param string) error {
	limit := map[string]*Limit{
		"prompt": &m.Prompt, "completion": &m.Completion, "request": &m.Request, "image": &m.Image, "audio": &m.Audio,
	}[name]
	if limit == nil {
		return r.unknown(param)
	}
	return r.price(param, limit)
}

// ParseModels reads the value of the member models of a request: the names of at most 20 models, as they are written.
// Errors: *domain.Error with code invalid_request.
func ParseModels(raw jsontext.Value) ([]string, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	r := reader{dec: jsontext.NewDecoder(bytes.NewReader(raw))}
	var names []string
	if err := r.list("models", maxModels, maxModelName, func(name string) error {
		names = append(names, name)
		return nil
	}); err != nil {
		return nil, err
	}
	return names, r.end("models")
}

// ParseRoute reads the value of the member route of a request, an old form of sort.partition that clients still send: "fallback" is
// WithinModel, "sort" is AcrossModels. Errors: *domain.Error with code invalid_request.
func ParseRoute(raw jsontext.Value) (Partition, error) {
	if len(raw) == 0 {
		return WithinModel, nil
	}
	r := reader{dec: jsontext.NewDecoder(bytes.NewReader(raw))}
	var choice string
	if err := r.choice("route", &choice, "fallback", "sort"); err != nil {
		return WithinModel, err
	}
	if choice == "sort" {
		return AcrossModels, r.end("route")
	}
	return WithinModel, r.end("route")
}

// quantizations are the levels of OpenRouter's format.
func quantizations() []string {
	return []string{"int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32", "unknown"}
}

// reader reads JSON strictly.
type reader struct{ dec *jsontext.Decoder }

// broken is the refusal of what is no JSON. The decoder's words may quote what was sent, so that they stay in the log.
func broken(param string, err error) *domain.Error {
	return refuse(param, "%s is not valid JSON", param).Wrap(err)
}

// end makes sure that nothing follows.
func (r *reader) end(param string) error {
	if _, err := r.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return broken(param, err)
	}
	return nil
}

func (r *reader) unknown(param string) *domain.Error {
	if len(param) > maxName {
		param = strings.ToValidUTF8(param[:maxName], "")
	}
	return refuse(param, "the routing preferences know no %s", param)
}

// object reads an object, or null for an empty one.
func (r *reader) object(param string, member func(r *reader, name, param string) error) error {
	switch t, err := r.dec.ReadToken(); {
	case err != nil:
		return broken(param, err)
	case t.Kind() == 'n':
		return nil
	case t.Kind() != '{':
		return refuse(param, "%s is an object", param)
	}
	for {
		t, err := r.dec.ReadToken()
		if err != nil {
			return broken(param, err)
		}
		if t.Kind() == '}' {
			return nil
		}
		name := t.String()
		if err := member(r, name, param+"."+name); err != nil {
			return err
		}
	}
}
