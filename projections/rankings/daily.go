package rankings

import (
	"context"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/massrouter/massrouter/projections/checkpoint"
)

const (
	dailyTop  = 50
	dailyDays = 366
	// OtherModels is the permaslug of the row of all other models, the last one of its day.
	OtherModels = "other"
)

// DailyRequest asks for the days from From to To, both inclusive. Zero means the day in which the log ends for To, and 30 days
// before To for From. At most 366 days.
type DailyRequest struct {
	From, To    time.Time
	MinPosition int64
}

// DailyRow is one row of OpenRouter's daily dataset: what a model used on a day. Its fields are those of the dataset.
type DailyRow struct {
	Date           string          `json:"date"` // of the UTC day
	ModelPermaslug string          `json:"model_permaslug"`
	TotalTokens    decimal.Decimal `json:"total_tokens"`
}

// Daily is the answer: the 50 models of each day by tokens, then the rest if there is any; the oldest day first. The last day
// changes as long as it is not over.
type Daily struct {
	Rows     []DailyRow
	From, To time.Time
	checkpoint.At
}

const selectDaily = `WITH ranked AS (
		SELECT start, subject, ranked_tokens AS value, row_number() OVER (PARTITION BY start ORDER BY ranked_tokens DESC, subject) AS rank
		FROM views.rankings_rows_v1 WHERE span = 'day' AND board = 'models' AND model = '' AND subject <> '' AND start BETWEEN $3::date AND $4::date
	), named AS (SELECT start, subject, value, rank FROM ranked WHERE rank <= $5 AND value > 0),
	others AS (
		SELECT t.start, t.tokens - coalesce((SELECT sum(n.value) FROM named n WHERE n.start = t.start), 0) AS value
		FROM views.rankings_rows_v1 t
		WHERE t.span = 'day' AND t.board = 'models' AND t.model = '' AND t.subject = '' AND t.start BETWEEN $3::date AND $4::date
	)
	SELECT start, rank, subject, value::text FROM named
	UNION ALL SELECT start, $5 + 1, '', value::text FROM others WHERE value > 0`

// Daily reads the dataset. Errors: invalid_request with the detail "field", ledger_unavailable.
func (q *Query) Daily(ctx context.Context, r DailyRequest) (Daily, error) {
	now := time.Now()
	for range tries {
		s, err := q.state(ctx, Moment{MinPosition: r.MinPosition})
		if err != nil {
			return Daily{}, err
		}
		d, err := r.days(s, now)
		if err != nil {
			return Daily{}, err
		}
		done, err := q.daily(ctx, &d, s)
		if err != nil || done {
			return d, err
		}
	}
	return Daily{}, tooFast()
}

// days checks the range and puts its defaults in their places.
func (r DailyRequest) days(s *state, now time.Time) (Daily, error) {
	d := Daily{From: Day.Start(r.From), To: Day.Start(r.To)}
	if r.To.IsZero() {
		d.To = s.today
		if d.To.IsZero() {
			d.To = Day.Start(now)
		}
	}
	if r.From.IsZero() {
		d.From = d.To.AddDate(0, 0, -30)
	}
	for _, b := range []struct {
		field string
		at    time.Time
	}{{"from", d.From}, {"to", d.To}} {
		if b.at.Year() < firstYear || b.at.After(now) {
			return d, invalid(b.field, "%s lies between the year %d and now", b.field, firstYear)
		}
	}
	if d.From.After(d.To) || d.To.Sub(d.From) >= dailyDays*24*time.Hour {
		return d, invalid("from", "from is not after to, and they span at most %d days", dailyDays)
	}
	return d, nil
}

// daily reads the days that are over, and adds up the one that is not; done is false when that one is over meanwhile.
func (q *Query) daily(ctx context.Context, d *Daily, s *state) (done bool, err error) {
	d.At, err = q.view.Read(ctx, 0, selectDaily, `r.start, r.rank`, []any{d.From, d.To, dailyTop}, func(row checkpoint.Row) error {
		var day time.Time
		var rank int64
		var subject, value string
		if err := row(&day, &rank, &subject, &value); err != nil {
			return err
		}
		tokens, err := decimal.NewFromString(value)
		d.add(day, subject, tokens)
		return err
	})
	if err != nil || s.today.IsZero() || d.To.Before(s.today) || d.From.After(s.today) {
		return true, err
	}
	r := Request{Board: Models, Window: Day, By: Tokens, Top: dailyTop}
	t, done, err := q.rank(ctx, &r, s)
	if err != nil || !done {
		return done, err
	}
	d.Rows = slices.DeleteFunc(d.Rows, func(row DailyRow) bool { return row.Date == s.today.Format(time.DateOnly) })
	for i := range t.Rows {
		d.add(s.today, t.Rows[i].Subject, t.Rows[i].Value)
	}
	if t.Other.Sign() > 0 {
		d.add(s.today, "", t.Other)
	}
	d.At = t.At
	return true, nil
}

func (d *Daily) add(day time.Time, subject string, tokens decimal.Decimal) {
	if subject == "" {
		subject = OtherModels
	}
	d.Rows = append(d.Rows, DailyRow{day.Format(time.DateOnly), subject, tokens})
}
