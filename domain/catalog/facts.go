package catalog

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/massrouter/massrouter/domain"
)

const (
	maxCategories = 20
	maxVoices     = 200
	maxHuggingID  = 200 // bytes
	maxURL        = 500 // bytes
)

// Facts are what is known of a model beyond what a call needs. Nothing of it decides what a call costs.
type Facts struct {
	CanonicalSlug     string     `json:"canonical_slug,omitempty"`     // "author/slug" that never gets to mean another version; the id when missing
	HuggingFaceID     string     `json:"hugging_face_id,omitempty"`    // "author/name" of its weights
	InstructType      string     `json:"instruct_type,omitempty"`      // the format of its prompts, for example chatml
	DefaultParameters Parameters `json:"default_parameters,omitempty"` // what its author recommends
	KnowledgeCutoff   string     `json:"knowledge_cutoff,omitempty"`   // date (2026-01-31) up to which it was trained
	ExpirationDate    string     `json:"expiration_date,omitempty"`    // date (2026-01-31) after which it may be taken away
	Categories        []string   `json:"categories,omitempty"`         // what it is good for, for example programming or marketing/seo
	Voices            []string   `json:"voices,omitempty"`             // of a model that speaks
	Distillable       bool       `json:"distillable,omitempty"`        // its author allows training other models on its answers
}

var (
	huggingPattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$`)
	categoryPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}(/[a-z0-9][a-z0-9_-]{0,39})?$`)
	voicePattern    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}$`)
)

// Normal checks facts and gives them the form that events store, apart from the caller's slices and maps. Errors: invalid_request.
func (f Facts) Normal() (Facts, error) {
	if f.CanonicalSlug != "" && !modelPattern.MatchString(f.CanonicalSlug) {
		return Facts{}, domain.Errorf(domain.CodeInvalid, "canonical_slug has the form author/slug in lower case")
	}
	if f.HuggingFaceID != "" && (len(f.HuggingFaceID) > maxHuggingID || !huggingPattern.MatchString(f.HuggingFaceID)) {
		return Facts{}, domain.Errorf(domain.CodeInvalid, "hugging_face_id has the form author/name")
	}
	if f.InstructType != "" && !wordPattern.MatchString(f.InstructType) {
		return Facts{}, domain.Errorf(domain.CodeInvalid, "instruct_type is a word of a-z, 0-9, '.', '_', '+' or '-'")
	}
	for field, day := range map[string]string{"knowledge_cutoff": f.KnowledgeCutoff, "expiration_date": f.ExpirationDate} {
		if day == "" {
			continue
		}
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return Facts{}, domain.Errorf(domain.CodeInvalid, "%s is a date such as 2026-01-31", field)
		}
	}
	var err error
	if f.Categories, err = words("categories", f.Categories, maxCategories, categoryPattern.MatchString); err != nil {
		return Facts{}, err
	}
	if f.Voices, err = words("voices", f.Voices, maxVoices, voicePattern.MatchString); err != nil {
		return Facts{}, err
	}
	f.DefaultParameters, err = f.DefaultParameters.normal()
	return f, err
}

// words is a copy of a list of different words, nil for an empty one.
func words(field string, list []string, most int, ok func(string) bool) ([]string, error) {
	if len(list) > most {
		return nil, domain.Errorf(domain.CodeInvalid, "%s has at most %d items", field, most)
	}
	for i, w := range list {
		if !ok(w) || slices.Contains(list[:i], w) {
			return nil, domain.Errorf(domain.CodeInvalid, "%s has an item that is malformed or there twice", field)
		}
	}
	return append([]string(nil), list...), nil
}

// Parameters are numbers of a request by name.
type Parameters map[string]Number

// parameterNames are those that OpenRouter lists as default parameters.
func parameterNames() []string {
	return []string{"temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "repetition_penalty"}
}

// maxParameter bounds a parameter; with maxParameterDigits it keeps hostile exponents away.
const (
	maxParameter       = 1_000_000
	maxParameterDigits = 12
)

func (p Parameters) normal() (Parameters, error) {
	if len(p) == 0 {
		return nil, nil //nolint:nilnil // none is a valid answer
	}
	out := maps.Clone(p)
	for name, n := range p {
		if !slices.Contains(parameterNames(), name) {
			return nil, domain.Errorf(domain.CodeInvalid, "default_parameters has one or more of: %s", strings.Join(parameterNames(), ", "))
		}
		d, err := n.decimal()
		if err != nil || d.Abs().GreaterThan(decimal.NewFromInt(maxParameter)) || (name == "top_k" && !d.IsInteger()) {
			return nil, domain.Errorf(domain.CodeInvalid, "default_parameters has a number that is malformed or out of range")
		}
		out[name] = Number(d.String())
	}
	return out, nil
}

// Number is an exact decimal that JSON has as a number.
type Number string

// maxNumber bounds the text of a number in bytes.
const maxNumber = 32

func (n Number) decimal() (decimal.Decimal, error) {
	d, err := decimal.NewFromString(string(n))
	if err != nil || len(n) > maxNumber || d.Exponent() < -maxParameterDigits || d.Exponent() > maxParameterDigits {
		return decimal.Decimal{}, domain.Errorf(domain.CodeInvalid, "no number, or one with too many digits")
	}
	return d, nil
}

// MarshalJSON writes the number.
func (n Number) MarshalJSON() ([]byte, error) { return json.Marshal(json.Number(n)) }

// UnmarshalJSON reads a JSON number. What it means is checked when it is published.
func (n *Number) UnmarshalJSON(b []byte) error {
	var read json.Number
	if len(b) == 0 || b[0] == '"' || len(b) > maxNumber {
		return domain.Errorf(domain.CodeInvalid, "this is not a number, or one with too many digits")
	}
	if err := json.Unmarshal(b, &read); err != nil {
		return domain.Errorf(domain.CodeInvalid, "this is not a number").Wrap(err)
	}
	*n = Number(read)
	return nil
}

// isPage says whether it is the address of something that people read.
func isPage(address string) bool {
	u, err := url.Parse(address)
	return err == nil && len(address) <= maxURL && u.Scheme == "https" && u.Hostname() != "" && u.User == nil
}
