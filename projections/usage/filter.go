package usage

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/projections/generations"
	"github.com/massrouter/massrouter/projections/page"
)

// maxValues bounds each list of a filter.
const maxValues = 100

const (
	defaultRange = 30 * 24 * time.Hour
	maxRange     = 732 * 24 * time.Hour // two years, whichever
	firstYear    = 2000                 // zones have whole minutes since then
)

// Filter says which calls are meant; lists, aggregates and series have the same. An empty list means any.
type Filter struct {
	Wallets   []uuid.UUID
	Keys      []uuid.UUID
	Apps      []uuid.UUID // registered ones
	Models    []string
	Vendors   []string
	Endpoints []string // "model@vendor"
	// Currency is that of the wallets: sums of money are of one currency. "" means USD.
	Currency money.Currency
	// From (inclusive) and To (exclusive) bound the moment at which a call ended. They are whole minutes. Zero means now, rounded up
	// to a minute, for To, and 30 days before To for From.
	From, To time.Time
	// Zone is the asker's, an IANA name such as "Europe/Berlin": days, weeks and months begin at its midnights. "" means UTC.
	Zone string
}

// invalid is a refusal that names the field.
func invalid(field, format string, args ...any) error {
	return domain.Errorf(domain.CodeInvalid, format, args...).With("field", field)
}

// normal is the filter with its defaults in their places, or what is wrong with it.
func (f Filter) normal(now time.Time) (Filter, error) {
	if err := f.check(); err != nil {
		return f, err
	}
	if f.Currency == "" {
		f.Currency = money.USD
	}
	if f.To.IsZero() {
		f.To = now.Add(time.Minute - 1).Truncate(time.Minute)
	}
	if f.From.IsZero() {
		f.From = f.To.Add(-defaultRange)
	}
	f.From, f.To = f.From.UTC(), f.To.UTC()
	for _, b := range []struct {
		field string
		at    time.Time
	}{{"from", f.From}, {"to", f.To}} {
		if y := b.at.Year(); y < firstYear || y > 9999 {
			return f, invalid(b.field, "%s lies in the years %d to 9999", b.field, firstYear)
		}
		if !b.at.Equal(b.at.Truncate(time.Minute)) {
			return f, invalid(b.field, "%s is a whole minute", b.field)
		}
	}
	if !f.From.Before(f.To) {
		return f, invalid("from", "from lies before to")
	}
	if f.To.Sub(f.From) > maxRange {
		return f, invalid("from", "from and to are at most %d days apart", int(maxRange.Hours()/24))
	}
	return f, nil
}

func (f *Filter) check() error {
	for field, ids := range map[string][]uuid.UUID{"wallets": f.Wallets, "keys": f.Keys, "apps": f.Apps} {
		if len(ids) > maxValues {
			return invalid(field, "%s has at most %d values", field, maxValues)
		}
		if slices.Contains(ids, uuid.Nil) {
			return invalid(field, "%s has a nil id", field)
		}
	}
	for field, words := range map[string][]string{"models": f.Models, "vendors": f.Vendors, "endpoints": f.Endpoints} {
		if len(words) > maxValues {
			return invalid(field, "%s has at most %d values", field, maxValues)
		}
		for _, word := range words {
			if err := page.Text(field, word); err != nil {
				return invalid(field, "%s has a text that is too long, not UTF-8 or has control characters", field)
			}
		}
	}
	if f.Currency != "" {
		if _, err := money.ParseCurrency(string(f.Currency)); err != nil {
			return invalid("currency", "currency is three upper-case letters")
		}
	}
	return nil
}

// Calls is the list of single calls that the filter means, in projections/generations. That list bounds the moment at which a
// call began, takes one wallet, key and model, and neither apps, vendors nor endpoints; what it cannot say is refused with the field.
func (f Filter) Calls() (generations.Request, error) {
	if err := f.check(); err != nil {
		return generations.Request{}, err
	}
	r := generations.Request{From: f.From, To: f.To}
	for _, list := range []struct {
		field string
		most  int
		n     int
	}{
		{"wallets", 1, len(f.Wallets)},
		{"keys", 1, len(f.Keys)},
		{"models", 1, len(f.Models)},
		{"apps", 0, len(f.Apps)},
		{"vendors", 0, len(f.Vendors)},
		{"endpoints", 0, len(f.Endpoints)},
	} {
		if list.n > list.most {
			return generations.Request{}, invalid(list.field, "the list of calls takes at most %d %s", list.most, list.field)
		}
	}
	if len(f.Wallets) > 0 {
		r.WalletID = &f.Wallets[0]
	}
	if len(f.Keys) > 0 {
		r.KeyID = &f.Keys[0]
	}
	if len(f.Models) > 0 {
		r.Model = f.Models[0]
	}
	return r, nil
}
