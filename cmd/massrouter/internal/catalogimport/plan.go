package catalogimport

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
)

// Kind says what a step publishes.
type Kind string

// The kinds, in the order in which they are published.
const (
	KindVendor   Kind = "vendor"
	KindModel    Kind = "model"
	KindEndpoint Kind = "endpoint"
	KindPrice    Kind = "price"
)

// Step is one command: exactly one of Vendor, Model, Endpoint and Price is there, as it is to be published.
type Step struct {
	Kind     Kind
	ID       string // of the vendor, the model or the endpoint
	New      bool   // nothing of this kind and id is there yet
	Changes  []string
	Vendor   *catalog.Vendor
	Model    *catalog.Model
	Endpoint *catalog.Endpoint
	Price    *catalog.PriceVersion // EffectiveFrom zero: when it is published; its id is that of its command
	was      any                   // what is there, for the key
}

// Kept is what is in the catalogue and was left as it is, and why.
type Kept struct {
	Endpoint string `json:"endpoint"`
	Why      string `json:"why"`
}

// Plan is what an import does.
type Plan struct {
	Steps      []Step // in the order of their kinds; those of one endpoint's prices in the order of time
	Vendors    int    // that are or will be in the catalogue as the list has them
	Models     int
	Endpoints  int
	Unchanged  int // vendors, models, endpoints and prices that are there already
	Absent     []string
	OwnPrices  []Kept
	Refused    []Refusal
	Notes      []Note
	ListModels int // models of the list
}

// Options say what a plan may do.
type Options struct {
	Now       time.Time
	From      time.Time         // when changed prices take effect; zero: at once
	Only      []string          // vendors; none: all
	BaseURLs  map[string]string // of a vendor
	AllTo     string            // the base URL of all vendors, who then speak the OpenAI dialect
	MaxOutput int64             // output cap of offers whose list has none; 0: the context length
}

// NewPlan compares a list with the catalogue.
func NewPlan(l List, have Catalogue, o Options) (Plan, error) {
	if o.Now = domain.Moment(o.Now); o.From.IsZero() {
		o.From = o.Now
	}
	if o.From = domain.Moment(o.From); o.From.Before(o.Now) {
		return Plan{}, fmt.Errorf("a price cannot take effect at %s: that is past", o.From.Format(time.RFC3339))
	}
	p := planner{list: l, have: have, o: o, offers: map[string][]Offer{}, inList: map[string]bool{}, usable: map[string]bool{}, bases: map[string]string{}}
	p.plan.ListModels = l.Models
	if err := p.checkOnly(); err != nil {
		return Plan{}, err
	}
	for _, r := range l.Refused {
		if p.selected(vendorOf(r.Subject)) {
			p.plan.Refused = append(p.plan.Refused, r)
		}
	}
	for _, n := range l.Notes {
		if p.selected(vendorOf(n.Subject)) {
			p.plan.Notes = append(p.plan.Notes, n)
		}
	}
	for _, offer := range l.Offers {
		p.offers[offer.Model] = append(p.offers[offer.Model], offer)
		p.inList[offer.Endpoint()] = true
	}
	p.vendors()
	p.models()
	p.endpoints()
	p.absent()
	slices.SortStableFunc(p.plan.Steps, func(a, b Step) int { return cmp.Compare(a.Kind.order(), b.Kind.order()) })
	return p.plan, nil
}

func (k Kind) order() int {
	return slices.Index([]Kind{KindVendor, KindModel, KindEndpoint, KindPrice}, k)
}

type planner struct {
	list   List
	have   Catalogue
	o      Options
	offers map[string][]Offer // by model, of the whole list
	inList map[string]bool    // endpoints that the list offers
	usable map[string]bool    // vendors, models and endpoints that are there or will be
	bases  map[string]string  // the addresses of the vendors that are imported
	plan   Plan
}

func (p *planner) selected(vendor string) bool {
	return len(p.o.Only) == 0 || slices.Contains(p.o.Only, vendor)
}

func (p *planner) checkOnly() error {
	known := func(id string) bool {
		return slices.ContainsFunc(p.list.Vendors, func(v Vendor) bool { return v.ID == id })
	}
	for _, id := range p.o.Only {
		if !known(id) {
			return fmt.Errorf("the list has no vendor %q", id)
		}
	}
	for id := range p.o.BaseURLs {
		if !known(id) {
			return fmt.Errorf("a base URL is given for %q, and the list has no such vendor", id)
		}
	}
	return nil
}

func (p *planner) refuse(place, subject string, reason Reason, err error) {
	p.plan.Refused = append(p.plan.Refused, Refusal{Place: place, Subject: subject, Reason: reason, Detail: err.Error()})
}

func (p *planner) step(s Step, there, same bool) {
	p.usable[string(s.Kind)+" "+s.ID] = true
	if same {
		p.plan.Unchanged++
		return
	}
	s.New = !there
	p.plan.Steps = append(p.plan.Steps, s)
}

func (p *planner) vendors() {
	count := map[string]int{}
	for _, o := range p.list.Offers {
		count[o.Vendor]++
	}
	for _, v := range p.list.Vendors {
		if !p.selected(v.ID) || count[v.ID] == 0 {
			continue
		}
		want, there, err := p.vendor(v)
		if err != nil {
			p.refuse(v.Place, v.ID, ReasonNoBaseURL, fmt.Errorf("%w (%d models)", err, count[v.ID]))
			continue
		}
		if err := checkVendor(want); err != nil {
			p.refuse(v.Place, v.ID, ReasonCatalogRefuse, fmt.Errorf("%w (%d models)", err, count[v.ID]))
			continue
		}
		p.plan.Vendors++
		p.bases[v.ID] = want.BaseURL
		was := p.have.Vendors[v.ID]
		p.step(Step{Kind: KindVendor, ID: v.ID, Vendor: &want, was: was, Changes: vendorChanges(was, want)}, there, same(was, want))
	}
}

// vendor is a vendor as it should be: what neither the list nor the caller says stays as it is.
func (p *planner) vendor(v Vendor) (want catalog.Vendor, there bool, err error) {
	base, given := p.o.BaseURLs[v.ID]
	if want, there = p.have.Vendors[v.ID]; !there {
		want = newVendor(v.ID, v.Name, v.BaseURL)
		if p.o.AllTo == "" && isBedrock(base) {
			want.Dialect, want.Wire = "bedrock", &catalog.Wire{Auth: catalog.AuthSigV4}
		}
	}
	if v.Name != "" {
		want.Name = v.Name
	}
	switch {
	case given:
		want.BaseURL = base
	case p.o.AllTo != "":
		want.BaseURL, want.Dialect = p.o.AllTo, "openai"
		if want.Wire != nil && want.Wire.Auth == catalog.AuthSigV4 {
			want.Wire = nil // the simulator's OpenAI takes no signatures
		}
	}
	if want.BaseURL == "" {
		return want, there, fmt.Errorf("the list does not say where the vendor is, and it is not in the catalogue: give --base-url %s=URL", v.ID)
	}
	return want, there, nil
}

func (p *planner) absent() {
	refused := map[string]bool{}
	for _, r := range p.plan.Refused {
		refused[r.Subject] = true
	}
	covered := map[string]bool{}
	for _, v := range p.list.Vendors {
		covered[v.ID] = p.selected(v.ID)
	}
	for id, e := range p.have.Endpoints {
		if covered[e.Vendor] && !p.inList[id] && !refused[id] {
			p.plan.Absent = append(p.plan.Absent, id)
		}
	}
	slices.Sort(p.plan.Absent)
}
