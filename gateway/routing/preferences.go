package routing

import "github.com/massrouter/massrouter/domain/money"

// Preferences are what a caller wishes of the routing. The zero value wishes nothing.
type Preferences struct {
	Models []Model // to be tried in this order; empty: any model of the candidates, all alike

	Order, Only, Ignore []string // providers; see Candidate.Is
	NoFallbacks         bool     // allow_fallbacks is false
	RequireParameters   bool     // whoever does not know a parameter of the call is left out, rather than spared it
	DropUnsupported     bool     // what the dialect of a vendor cannot say is left out, rather than refused
	DenyCollection      bool     // data_collection is "deny"
	ZDR                 bool     // zero data retention
	Distillable         bool     // enforce_distillable_text
	Quantizations       []string

	Sort      Sort
	Partition Partition

	MinThroughput Cutoffs // tokens a second
	MaxLatency    Cutoffs // seconds to the first token
	MaxPrice      MaxPrice
}

// Model is one of the models that a caller names.
type Model struct {
	ID      string // "author/slug"
	Variant Variant
}

// Variant is a wish in the name of a model.
type Variant string

// The variants. A caller writes author/slug:variant.
const (
	Plain Variant = ""
	Free  Variant = "free"  // only endpoints without a price
	Nitro Variant = "nitro" // sort: throughput
	Floor Variant = "floor" // sort: price
)

// sort is the strategy that a variant stands for.
func (v Variant) sort() Sort {
	switch v {
	case Nitro:
		return ByThroughput
	case Floor:
		return ByPrice
	default:
		return Balanced
	}
}

// Sort is the strategy of the order.
type Sort string

// The strategies.
const (
	Balanced     Sort = ""           // drawn by price
	ByPrice      Sort = "price"      // the cheapest first
	ByThroughput Sort = "throughput" // most tokens a second (p50) first
	ByLatency    Sort = "latency"    // the shortest time to the first token (p50) first
)

// Partition says what is sorted together.
type Partition string

// The partitions.
const (
	WithinModel  Partition = ""     // "model": the models of the list one after the other
	AcrossModels Partition = "none" // endpoints of all models together
)

// Percentile is a share of calls.
type Percentile uint8

// The percentiles: so many per cent of the calls did better.
const (
	P50 Percentile = iota
	P75
	P90
	P99
	percentiles
)

// share of the calls that did better.
func (p Percentile) share() float64 { return [percentiles]float64{0.50, 0.75, 0.90, 0.99}[p] }

// Cutoffs are bounds by percentile; 0 is none. All of them have to hold.
type Cutoffs [percentiles]float64

// Given says whether there is any.
func (c Cutoffs) Given() bool { return c != Cutoffs{} }

// Limit is a price that must not be exceeded; the zero value is none.
type Limit struct {
	Set    bool
	Amount money.Amount
}

// MaxPrice are the highest prices that a caller pays, each for itself.
type MaxPrice struct {
	Prompt, Completion Limit // for a million tokens
	Request, Image     Limit // for one
	Audio              Limit // for a unit
}

// Auto are the preferences of a call that leaves the choice of the model to the platform (rule R10), out of models. A strategy
// that the caller named stays.
func (p Preferences) Auto(models []string) Preferences {
	p.Models = make([]Model, len(models))
	for i, id := range models {
		p.Models[i] = Model{ID: id}
	}
	p.Partition = AcrossModels
	if p.Sort == Balanced {
		p.Sort = ByPrice
	}
	return p
}
