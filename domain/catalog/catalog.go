// Package catalog is what can be called and what it costs: vendors, models, endpoints (a vendor's offer of a model)
// and the price versions of each endpoint.
//
// Rules (each number is in the name of the test that shows it):
//
//	C1 Vendors, models and endpoints are published whole; publishing again replaces what was there.
//	C2 An endpoint names a model and a vendor that are published, and keeps them for ever.
//	C3 A price version is immutable and has an id of its own, used once.
//	C4 A price version takes effect now or later, never in the past: what was charged is not re-priced.
//	C5 The price in force is the latest that has taken effect; of two at the same moment the one published later.
//	C6 Without a price in force an endpoint cannot be called.
//	C7 A call is charged at the version that its hold pinned, whatever was published since.
//	C8 A price version is of the list, or of one price group. A wallet of a group pays the group's price in force, and the list's
//	   where the group has none; all others pay the list's. C5 holds for the list and for each group by itself.
package catalog

import (
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
)

// The stream kinds.
const (
	KindVendor   = "vendor"
	KindModel    = "model"
	KindEndpoint = "endpoint"
)

// Status says whether something published may be used.
type Status string

// The statuses.
const (
	Active   Status = "active"
	Disabled Status = "disabled"
)

// CancelPolicy says what to do with a vendor call whose client went away.
type CancelPolicy string

// The policies.
const (
	Cancel CancelPolicy = "cancel" // cancelling stops the vendor's bill
	Drain  CancelPolicy = "drain"  // the vendor bills to the end: read on to learn the usage
)

// Vendor is who runs models. Its API key is configuration, never an event.
type Vendor struct {
	ID             string       `json:"vendor"`            // its slug, for ever
	Name           string       `json:"name"`              // for people
	BaseURL        string       `json:"base_url"`          // up to and with the version, for example https://api.example.com/v1
	Dialect        string       `json:"dialect"`           // what it speaks: openai, responses, anthropic, gemini or bedrock
	CancelPolicy   CancelPolicy `json:"cancel_policy"`     // cancel or drain a call whose client went away
	MaxTokensField string       `json:"max_tokens_field"`  // "max_tokens" or "max_completion_tokens"
	Status         Status       `json:"status"`            // active or disabled
	Profile        *Profile     `json:"profile,omitempty"` // where it is and what it promises; missing when nobody said
	Wire           *Wire        `json:"wire,omitempty"`    // how its API differs from the dialect; missing when it does not
}

// Model is what callers ask for by name.
type Model struct {
	ID                  string    `json:"model"`                          // "author/slug"
	Name                string    `json:"name"`                           // for people
	Description         string    `json:"description,omitempty"`          // may have paragraphs
	ContextLength       int64     `json:"context_length"`                 // tokens, prompt and completion together
	MaxCompletionTokens int64     `json:"max_completion_tokens"`          // the longest answer
	InputModalities     []string  `json:"input_modalities"`               // text, image, …; empty: not known
	OutputModalities    []string  `json:"output_modalities"`              // text, image, embeddings, …; empty: not known
	SupportedParameters []string  `json:"supported_parameters,omitempty"` // request fields that have an effect
	Tokenizer           string    `json:"tokenizer,omitempty"`            // for counting tokens beforehand
	ReleasedAt          time.Time `json:"released_at,omitzero"`           // by its author
	Status              Status    `json:"status"`                         // active or disabled
	Facts               Facts     `json:"facts,omitzero"`                 // what else callers want to know; missing when nobody said
}

// Endpoint is a vendor's offer of a model.
type Endpoint struct {
	ID                  string `json:"endpoint"`              // "author/slug@vendor"
	Model               string `json:"model"`                 // the model that is offered
	Vendor              string `json:"vendor"`                // who offers it
	UpstreamModel       string `json:"upstream_model"`        // the vendor's name for it
	ContextLength       int64  `json:"context_length"`        // tokens, prompt and completion together
	MaxCompletionTokens int64  `json:"max_completion_tokens"` // the longest answer
	Status              Status `json:"status"`                // active or disabled
	Terms               Terms  `json:"terms,omitzero"`        // how the vendor runs it; missing when nobody said
}

// VendorStream is the stream id of a vendor.
func VendorStream(id string) domain.StreamID { return domain.NewStreamID(KindVendor, id) }

// ModelStream is the stream id of a model.
func ModelStream(id string) domain.StreamID { return domain.NewStreamID(KindModel, id) }

// EndpointStream is the stream id of an endpoint.
func EndpointStream(id string) domain.StreamID { return domain.NewStreamID(KindEndpoint, id) }

var (
	slugPattern     = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,49}$`)
	modelPattern    = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,49}/[a-z0-9][a-z0-9._:-]{0,79}$`)
	endpointPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,49}/[a-z0-9][a-z0-9._:-]{0,79}@[a-z0-9][a-z0-9._-]{0,49}$`)
)

// maxTokens bounds context lengths.
const maxTokens = int64(1) << 32

// VendorState is the folded vendor.
type VendorState struct {
	Published bool   `json:"published"`
	Vendor    Vendor `json:"vendor"`
}

// ModelState is the folded model.
type ModelState struct {
	Published bool  `json:"published"`
	Model     Model `json:"model"`
}

// EndpointState is the folded endpoint with all its price versions in the order of publication.
type EndpointState struct {
	Published   bool           `json:"published"`
	Endpoint    Endpoint       `json:"endpoint"`
	Prices      []PriceVersion `json:"prices"`                 // of the list
	GroupPrices GroupPrices    `json:"group_prices,omitempty"` // by price group
}

// Check has nothing to add: no money lies here.
func (s *VendorState) Check() error { return nil }

// Check has nothing to add: no money lies here.
func (s *ModelState) Check() error { return nil }

// Check has nothing to add: no money lies here.
func (s *EndpointState) Check() error { return nil }

// PriceInForce is rules C5, C6 and C8, for a customer of a price group, "" for none.
func (s *EndpointState) PriceInForce(group string, now time.Time) (PriceVersion, error) {
	if v, ok := InForceFor(s.Prices, s.GroupPrices, group, now); ok && s.Published {
		return v, nil
	}
	return PriceVersion{}, domain.Errorf(domain.CodePriceNotInForce, "no price is in force for this model")
}

// InForce picks the version in force among versions in the order of publication (C5).
func InForce(versions []PriceVersion, now time.Time) (PriceVersion, bool) {
	best := -1
	for i := range versions {
		v := &versions[i]
		if !v.EffectiveFrom.After(now) && (best < 0 || !v.EffectiveFrom.Before(versions[best].EffectiveFrom)) {
			best = i
		}
	}
	if best < 0 {
		return PriceVersion{}, false
	}
	return versions[best], true
}

// Price finds a version by its id (C7), of the list or of any group.
func (s *EndpointState) Price(id uuid.UUID) (PriceVersion, error) {
	if v, ok := FindPrice(s.Prices, s.GroupPrices, id); ok {
		return v, nil
	}
	return PriceVersion{}, domain.Errorf(domain.CodePriceNotFound, "no such price version")
}

// FindPrice is the version of an id, of the list or of any group.
func FindPrice(list []PriceVersion, groups GroupPrices, id uuid.UUID) (PriceVersion, bool) {
	if v, ok := findVersion(list, id); ok {
		return v, true
	}
	for _, versions := range groups {
		if v, ok := findVersion(versions, id); ok {
			return v, true
		}
	}
	return PriceVersion{}, false
}

// findVersion looks from the newest on: most calls are charged at it.
func findVersion(versions []PriceVersion, id uuid.UUID) (PriceVersion, bool) {
	for i := len(versions) - 1; i >= 0; i-- {
		if versions[i].ID == id {
			return versions[i], true
		}
	}
	return PriceVersion{}, false
}

func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || len(raw) > 500 || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.User != nil || strings.ContainsAny(raw, "?#") {
		return domain.Errorf(domain.CodeInvalid, "base_url is an http or https URL without user, query or fragment")
	}
	return nil
}
