package rankings

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/shopspring/decimal"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/projections/checkpoint"
)

// Row is one subject of a board.
type Row struct {
	Rank    int64           `json:"rank"` // from 1
	Subject string          `json:"subject"`
	Name    string          `json:"name,omitempty"` // of a registered app, as its owner says now
	URL     string          `json:"url,omitempty"`  // the same
	Wallets int64           `json:"wallets"`        // distinct ones that paid: the sample
	Value   decimal.Decimal `json:"value"`          // tokens, calls or dollars, with the cap on each wallet's share
	// Before is the rank in the window before, 0 when it had none. Not with Trending.
	Before int64 `json:"before,omitempty"`
	// Mean is that of the three windows before, and Change what Value has more; only with Trending. Rounded to the sixth decimal
	// (of spend: the twelfth).
	Mean   decimal.Decimal `json:"mean,omitzero"`
	Change decimal.Decimal `json:"change,omitzero"`
}

// Moved is how many places a subject went up since the window before, negative for down; ok is false for a new one.
func (r *Row) Moved() (places int64, ok bool) { return r.Before - r.Rank, r.Before > 0 }

// Table is one board: the values of the rows and Other add up to Total. With Trending that means nothing.
type Table struct {
	Start   time.Time       `json:"start,omitzero"` // of the window; zero for all time
	End     time.Time       `json:"end,omitzero"`   // exclusive
	Final   bool            `json:"final"`          // the window is over: the values never change again
	Rows    []Row           `json:"rows"`
	Other   decimal.Decimal `json:"other"`   // everything that is not in a row: further ones, small ones, hidden ones, what the cap took
	Total   decimal.Decimal `json:"total"`   // everything that counts, of all wallets, without the cap
	Wallets int64           `json:"wallets"` // distinct ones behind Total
	checkpoint.At
}

// Query answers from the rankings view. Safe for concurrent use.
type Query struct {
	view     *checkpoint.View
	log      eventstore.Reader
	registry *domain.Registry
}

// NewQuery makes the view's queries. The log is read for answers as of a moment: the events of one hour.
func NewQuery(pool *pgxpool.Pool, log eventstore.Reader, registry *domain.Registry, options ...checkpoint.Option) *Query {
	return &Query{checkpoint.NewView(pool, Name, Version, options...), log, registry}
}

// tries bounds how often an answer begins anew because a day ended meanwhile.
const tries = 4

// Rank reads a board. Errors: invalid_request with the detail "field", ledger_unavailable.
func (q *Query) Rank(ctx context.Context, r Request) (Table, error) {
	if err := r.check(time.Now()); err != nil {
		return Table{}, err
	}
	for range tries {
		s, err := q.state(ctx, r.Moment)
		if err != nil {
			return Table{}, err
		}
		t, done, err := q.rank(ctx, &r, s)
		if err != nil || done {
			return t, err
		}
	}
	return Table{}, tooFast()
}

func tooFast() error {
	return domain.Errorf(domain.CodeUnavailable, "the rankings move too fast to be read now")
}

// rank reads a board as of a state; done is false when the state is gone.
func (q *Query) rank(ctx context.Context, r *Request, s *state) (t Table, done bool, err error) {
	at := r.Date
	if at.IsZero() {
		at = s.today
	}
	t.Start = r.Window.Start(at)
	t.End = r.Window.Next(t.Start, 1)
	if s.at.Position == 0 || t.Start.After(s.today) { // there was nothing yet
		t.At = s.at
		return t, true, nil
	}
	t.Final = r.Window != All && !t.End.After(s.today)
	sql, args := r.sql(&t, s)
	var today time.Time
	t.At, err = q.view.Read(ctx, 0, sql, `r.rank`, args, func(row checkpoint.Row) error {
		var one Row
		var value, three string
		if err := row(&one.Rank, &one.Subject, &one.Name, &one.URL, &one.Wallets, &value, &one.Before, &three, &today); err != nil {
			return err
		}
		return t.add(r, &one, value, three)
	})
	if err != nil {
		return Table{}, false, err
	}
	if s.past {
		t.At = s.at
		return t, true, nil
	}
	return t, t.Final || today.Equal(s.today), nil
}

// add takes a row of the answer; the one of rank 0 is the total.
func (t *Table) add(r *Request, one *Row, value, three string) error {
	v, err := decimal.NewFromString(value)
	if err != nil {
		return fmt.Errorf("value of %q: %w", one.Subject, err)
	}
	if one.Rank == 0 {
		t.Total, t.Other, t.Wallets = v, v, one.Wallets
		return nil
	}
	one.Value = v
	t.Other = t.Other.Sub(v)
	if r.Trending {
		sum, err := decimal.NewFromString(three)
		if err != nil {
			return fmt.Errorf("sum of the windows before of %q: %w", one.Subject, err)
		}
		digits := int32(6)
		if r.By == Spend {
			digits = 12
		}
		one.Mean = sum.DivRound(decimal.NewFromInt(3), digits)
		one.Change = v.Sub(one.Mean)
	}
	t.Rows = append(t.Rows, *one)
	return nil
}
