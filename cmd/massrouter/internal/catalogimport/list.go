// Package catalogimport turns published price lists into commands of the catalogue. A reader for each format (ReadGenAIPrices,
// ReadOpenRouter) makes a List: vendors, their offers of models, the prices of each offer from a date on, and what it
// refused, with the place in the file and the reason. NewPlan compares the list with the catalogue as it is and gives the
// commands that make them equal. Nothing is guessed: what the catalogue cannot say exactly is refused, and what a list does
// not say stays as it is. Apply publishes a plan through whatever can publish, as commands that happen once.
package catalogimport

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
)

// MaxSize bounds a list in bytes.
const MaxSize = 64 << 20

// Reason says why something was refused. The codes are stable.
type Reason string

// The reasons.
const (
	ReasonShape         Reason = "shape"          // not of the format's form, or with a field that this reader does not know
	ReasonVendorID      Reason = "vendor_id"      // cannot be a vendor's id here
	ReasonModelID       Reason = "model_id"       // cannot be a model's id here
	ReasonDuplicate     Reason = "duplicate"      // the same vendor or offer stands in the list before
	ReasonUpstream      Reason = "upstream_name"  // the list does not say which name the vendor wants in a call
	ReasonNoPrice       Reason = "no_price"       // no price at all: the list does not say that it is free
	ReasonNoInput       Reason = "no_input_price" // no price of prompt tokens
	ReasonNoOutput      Reason = "no_output_price"
	ReasonPriceClass    Reason = "price_class"   // a price of something that usage does not count
	ReasonPriceVaries   Reason = "price_varies"  // a price that depends on what cannot be known beforehand
	ReasonPriceUnclear  Reason = "price_unclear" // a price that can be understood in two ways
	ReasonPriceInvalid  Reason = "price_invalid" // no number, or a negative one
	ReasonPriceDigits   Reason = "price_digits"  // more digits than a price has
	ReasonTiers         Reason = "tiers"         // tiers by prompt length that prices cannot express
	ReasonConstraint    Reason = "constraint"    // a time-bound price that prices cannot express
	ReasonNoContext     Reason = "no_context_length"
	ReasonNoBaseURL     Reason = "no_base_url"    // a new vendor, and nothing says where it is
	ReasonCatalogRefuse Reason = "catalogue_rule" // the catalogue's own rules refuse it
)

// Refusal is what could not be imported.
type Refusal struct {
	Place   string `json:"place"`   // JSON pointer into the list
	Subject string `json:"subject"` // the vendor or endpoint, as far as it is known
	Reason  Reason `json:"reason"`
	Detail  string `json:"detail"` // for people
}

// refuse makes the error that carries a refusal's reason to where its place is known.
func refuse(reason Reason, format string, args ...any) error {
	return &refusalError{reason: reason, detail: fmt.Sprintf(format, args...)}
}

type refusalError struct {
	reason Reason
	place  string // below the offer
	detail string
}

// within puts a name before the place of a refusal.
func within(name string, err error) error {
	var r *refusalError
	if errors.As(err, &r) {
		return &refusalError{reason: r.reason, place: "/" + name + r.place, detail: r.detail}
	}
	return err
}

func (e *refusalError) Error() string { return e.detail }

// Note is what a list says for people only, most often about the limits of its prices.
type Note struct {
	Place   string `json:"place"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// Vendor is who offers models in a list.
type Vendor struct {
	Place   string
	ID      string
	Name    string
	BaseURL string // "": the list does not say
}

// Offer is a vendor's offer of a model, as the list has it. Zero values are what the list does not say.
type Offer struct {
	Place               string
	Vendor              string
	Model               string // author/slug
	Name                string
	Description         string
	Upstream            string // the vendor's name for the model
	ContextLength       int64
	MaxCompletionTokens int64
	InputModalities     []string
	OutputModalities    []string
	SupportedParameters []string
	Tokenizer           string
	ReleasedAt          time.Time
	Facts               catalog.Facts
	Moderated           *bool   // nil: the list does not say
	Prices              []Dated // ascending; the first has no date
}

// Endpoint is the id of the offer in the catalogue.
func (o Offer) Endpoint() string { return o.Model + "@" + o.Vendor }

// Dated is a price in USD from a moment on; the zero time is since ever.
type Dated struct {
	From  time.Time
	Price catalog.Schedule
}

// List is what a reader found.
type List struct {
	Vendors []Vendor
	Offers  []Offer
	Refused []Refusal
	Notes   []Note
	Models  int // all models of the list, also the refused ones
}

func (l *List) refuse(place, subject string, reason Reason, detail string) {
	if len(subject) > domain.MaxStreamID {
		subject = strings.ToValidUTF8(subject[:domain.MaxStreamID], "")
	}
	l.Refused = append(l.Refused, Refusal{Place: place, Subject: subject, Reason: reason, Detail: detail})
}

// refuseOffer is refuse with the reason that the error carries.
func (l *List) refuseOffer(place, subject string, err error) {
	reason, pointer := ReasonShape, ""
	var r *refusalError
	if errors.As(err, &r) {
		reason, pointer = r.reason, r.place
	}
	l.refuse(place+pointer, subject, reason, err.Error())
}

func (l *List) note(place, subject, text string) {
	if text != "" {
		l.Notes = append(l.Notes, Note{Place: place, Subject: subject, Text: text})
	}
}

// ReadOptions say what a list may leave out.
type ReadOptions struct {
	ContextLength int64  // of models without one; 0: they are refused
	Vendor        string // whose list it is, for formats that do not say: "openrouter" when empty
	BaseURL       string // of that vendor, when it is known
}

// at is the price of an offer at a moment.
func at(prices []Dated, t time.Time) catalog.Schedule {
	now := prices[0]
	for _, d := range prices[1:] {
		if !d.From.After(t) {
			now = d
		}
	}
	return now.Price
}
