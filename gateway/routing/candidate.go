package routing

import (
	"time"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// Candidate is an endpoint that may serve a call. Slices are only read.
type Candidate struct {
	Endpoint string // its id, once among the candidates
	Model    string
	Vendor   string // its id
	Slug     string // the vendor's public name in order, only and ignore, if it is not the id
	Name     string // for people; taken there as well
	Tag      string // "vendor/variant": names this one among the endpoints of a vendor; "" for none

	Credentials []string // ids, never secrets; empty: the vendor wants none

	// Own is the place of the customer's key among those of its vendor, from 1, if the endpoint is called with one; 0 for the platform's (rule R12).
	Own int

	Prices       Prices
	Context      int64 // tokens, prompt and completion together; 0: not known
	Output       int64 // tokens of one completion at most; 0: not known
	Quantization string
	Parameters   []string // of a request that have an effect; nil: not known
	Modalities   []string // kinds of input; none: not known
	Collects     bool     // the vendor keeps what it is sent for longer than the call, or trains on it
	ZDR          bool     // the endpoint retains nothing
	Distillable  bool     // the model's author allows distillation

	// Unavailable says why the endpoint cannot be called whatever the caller wishes; "" if it can. See UnavailableBecause.
	Unavailable Reason
}

// Prices are what customers pay: for a token, or for one unit.
type Prices struct {
	Prompt, Completion money.Price
	Request            money.Price
	Image, Audio       money.Price
}

// PricesOf are the prices of a version for a call with so many prompt tokens.
func PricesOf(v *catalog.PriceVersion, promptTokens int64, at time.Time) Prices {
	return Prices{
		Prompt:     v.Price.Rate(usage.Input, promptTokens, at),
		Completion: v.Price.Rate(usage.Output, promptTokens, at),
		Request:    v.Price.Rate(usage.Request, promptTokens, at),
	}
}

// The call that prices are compared by.
const (
	typicalPrompt     = 3000
	typicalCompletion = 1000
)

// typical is what a call costs by which endpoints are compared (rule R6). It does not depend on the call, so that a conversation that
// grows stays where it is.
func (p *Prices) typical() money.Amount {
	return p.Prompt.Times(typicalPrompt).Add(p.Completion.Times(typicalCompletion)).Add(p.Request.Times(1))
}

// free says whether nothing costs anything.
func (p *Prices) free() bool { return *p == Prices{} }

// Is says whether the candidate is meant by a name in order, only or ignore: the vendor's id, slug or display name, or the endpoint's
// tag. The letter case does not matter, nor do spaces against hyphens.
func (c *Candidate) Is(name string) bool {
	name = fold(name)
	if name == "" {
		return false
	}
	return name == fold(c.Vendor) || name == fold(c.Slug) || name == fold(c.Name) || name == fold(c.Tag)
}

// position is the first of the names that means the candidate, len(names) if none does.
func (c *Candidate) position(names []string) int {
	for i, name := range names {
		if c.Is(name) {
			return i
		}
	}
	return len(names)
}

// Needs is what a call asks of an endpoint.
type Needs struct {
	PromptTokens int64    // an upper bound
	OutputTokens int64    // of one completion: the caller's cap; 0 for none
	Parameters   []string // that the caller sent: matter if require_parameters
	Required     []string // of them those that the answer is useless without, such as tools: matter always
	Modalities   []string // kinds of input besides text
}
