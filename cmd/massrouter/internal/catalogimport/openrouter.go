package catalogimport

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain/catalog"
)

// defaultVendor is whose list it is when nobody says.
const defaultVendor = "openrouter"

// openRouterList is the answer of OpenRouter's GET /api/v1/models.
type openRouterList struct {
	Data  []jsontext.Value `json:"data"`
	Links struct {
		Next *string `json:"next"` // of a further page
	} `json:"links"`
}

// openRouterModel has what is read of a model; the rest says nothing about what a call costs.
type openRouterModel struct {
	ID            string         `json:"id"`
	Name          string         `json:"name"`
	Description   string         `json:"description"`
	Created       int64          `json:"created"` // Unix seconds
	ContextLength *int64         `json:"context_length"`
	Pricing       jsontext.Value `json:"pricing"`
	Architecture  struct {
		InputModalities  []string `json:"input_modalities"`
		OutputModalities []string `json:"output_modalities"`
		Tokenizer        *string  `json:"tokenizer"`
		InstructType     *string  `json:"instruct_type"`
	} `json:"architecture"`
	TopProvider struct {
		ContextLength       *int64 `json:"context_length"`
		MaxCompletionTokens *int64 `json:"max_completion_tokens"`
		IsModerated         *bool  `json:"is_moderated"`
	} `json:"top_provider"`
	SupportedParameters []string                   `json:"supported_parameters"`
	CanonicalSlug       string                     `json:"canonical_slug"`
	HuggingFaceID       *string                    `json:"hugging_face_id"`
	DefaultParameters   map[string]*catalog.Number `json:"default_parameters"`
	KnowledgeCutoff     *string                    `json:"knowledge_cutoff"`
	ExpirationDate      *string                    `json:"expiration_date"`
	SupportedVoices     []string                   `json:"supported_voices"`
}

// ReadOpenRouter reads a list of models as OpenRouter answers it, and MassRouter itself: one vendor (o.Vendor) that offers all of
// them, at USD for a unit, with overrides that mean what those of the catalogue mean. A list of several pages is the answers
// one after another in one JSON array.
func ReadOpenRouter(raw []byte, o ReadOptions) (List, error) {
	pages, err := openRouterPages(raw)
	if err != nil {
		return List{}, err
	}
	vendor := o.Vendor
	if vendor == "" {
		vendor = defaultVendor
	}
	if err := checkVendorID(vendor); err != nil {
		return List{}, fmt.Errorf("the vendor %q: %w", clip(vendor), err)
	}
	name := vendor
	if vendor == defaultVendor {
		name = "OpenRouter"
	}
	r := openRouterReader{o: o, vendor: vendor, endpoints: map[string]bool{}}
	r.list.Vendors = []Vendor{{Place: "", ID: vendor, Name: name, BaseURL: o.BaseURL}}
	for p, page := range pages {
		place := "/data"
		if len(pages) > 1 {
			place = fmt.Sprintf("/%d/data", p)
		}
		for i, m := range page.Data {
			r.model(fmt.Sprintf("%s/%d", place, i), m)
		}
	}
	if last := pages[len(pages)-1].Links.Next; last != nil && *last != "" {
		r.list.note("/links/next", vendor, "the list has further pages that are not in this file: what they have is not imported")
	}
	return r.list, nil
}

func openRouterPages(raw []byte) ([]openRouterList, error) {
	if jsontext.Value(raw).Kind() == '[' {
		var pages []openRouterList
		if err := json.Unmarshal(raw, &pages); err != nil {
			return nil, fmt.Errorf("read pages of models: %w", err)
		}
		if len(pages) == 0 || slices.ContainsFunc(pages, func(p openRouterList) bool { return p.Data == nil }) {
			return nil, errors.New("read pages of models (a JSON object with data, or an array of them): there are none")
		}
		return pages, nil
	}
	var page openRouterList
	if err := json.Unmarshal(raw, &page); err != nil {
		return nil, fmt.Errorf("read a list of models (a JSON object with data): %w", err)
	}
	if page.Data == nil {
		return nil, errors.New("read a list of models: it has no data")
	}
	return []openRouterList{page}, nil
}

type openRouterReader struct {
	o         ReadOptions
	vendor    string
	list      List
	endpoints map[string]bool
}

func (r *openRouterReader) model(place string, raw jsontext.Value) {
	r.list.Models++
	var m openRouterModel
	if err := json.Unmarshal(raw, &m); err != nil {
		r.list.refuse(place, r.vendor, ReasonShape, "no model: "+shapeError(err))
		return
	}
	o := Offer{
		Place: place, Vendor: r.vendor, Model: strings.ToLower(m.ID), Name: m.Name, Description: m.Description, Upstream: m.ID,
		ContextLength: r.o.ContextLength, InputModalities: m.Architecture.InputModalities,
		OutputModalities: m.Architecture.OutputModalities, SupportedParameters: unique(m.SupportedParameters),
		Moderated: m.TopProvider.IsModerated,
	}
	var err error
	if o.Facts, err = m.facts().Normal(); err != nil {
		r.list.note(place, o.Endpoint(), "its facts beyond what a call needs are left out: "+message(err).Error())
		o.Facts = catalog.Facts{}
	}
	if m.Architecture.Tokenizer != nil {
		o.Tokenizer = *m.Architecture.Tokenizer
	}
	if m.Created > 0 {
		o.ReleasedAt = time.Unix(m.Created, 0).UTC()
	}
	for _, length := range []*int64{m.ContextLength, m.TopProvider.ContextLength} {
		if length != nil && *length > 0 {
			o.ContextLength = *length
		}
	}
	if most := m.TopProvider.MaxCompletionTokens; most != nil {
		o.MaxCompletionTokens = *most
	}
	if err := r.complete(&o, m); err != nil {
		r.list.refuseOffer(place, o.Endpoint(), err)
		return
	}
	r.endpoints[o.Endpoint()] = true
	r.list.Offers = append(r.list.Offers, o)
}

// facts are those that the list has and the catalogue knows.
func (m *openRouterModel) facts() catalog.Facts {
	f := catalog.Facts{CanonicalSlug: strings.ToLower(m.CanonicalSlug), Voices: unique(m.SupportedVoices)}
	if f.CanonicalSlug == strings.ToLower(m.ID) {
		f.CanonicalSlug = ""
	}
	for to, from := range map[*string]*string{
		&f.HuggingFaceID: m.HuggingFaceID, &f.InstructType: m.Architecture.InstructType, &f.KnowledgeCutoff: m.KnowledgeCutoff,
		&f.ExpirationDate: m.ExpirationDate,
	} {
		if from != nil {
			*to = *from
		}
	}
	for name, n := range m.DefaultParameters {
		if n == nil {
			continue
		}
		if f.DefaultParameters == nil {
			f.DefaultParameters = catalog.Parameters{}
		}
		f.DefaultParameters[name] = *n
	}
	return f
}

func (r *openRouterReader) complete(o *Offer, m openRouterModel) error {
	if err := catalog.CheckModelID(o.Model); err != nil {
		return refuse(ReasonModelID, "%q: %v", clip(m.ID), err)
	}
	if r.endpoints[o.Endpoint()] {
		return refuse(ReasonDuplicate, "the model stands in the list before")
	}
	price, err := openRouterPrice(m.Pricing)
	if err != nil {
		return within("pricing", err)
	}
	o.Prices = []Dated{{Price: price}}
	if o.ContextLength == 0 {
		return refuse(ReasonNoContext, "no context_length, and the cost of a call has no bound without one")
	}
	return checkSchedules(o.Prices)
}

// unique keeps the first of equal words.
func unique(words []string) []string {
	var kept []string
	for _, w := range words {
		if !slices.Contains(kept, w) {
			kept = append(kept, w)
		}
	}
	return kept
}
