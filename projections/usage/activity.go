package usage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
	"unsafe"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/eventstore/wall"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/column"
)

// activityDays is how many completed UTC days there are.
const activityDays = 30

// ActivityRequest asks for one wallet's activity.
type ActivityRequest struct {
	WalletID    uuid.UUID
	KeyID       *uuid.UUID // nil means any
	Date        string     // "2006-01-02", one of the last 30 completed UTC days; "" means all of them
	Currency    money.Currency
	MinPosition int64
}

// ActivityRow is one row of OpenRouter's GET /api/v1/activity: what one endpoint did for a model on a day. Its fields are those of
// the answer there.
type ActivityRow struct {
	Date               string // of the UTC day
	Model              string // the slug
	ModelPermaslug     string // the same here: a model keeps its slug
	EndpointID         string // "model@vendor"
	ProviderName       string // the vendor's id
	Usage              money.Amount
	BYOKUsageInference money.Amount // what the vendor billed the customer whose own key it was called with
	Requests           int64        // that were charged
	PromptTokens       int64
	CompletionTokens   int64 // with the reasoning tokens
	ReasoningTokens    int64
}

// Activity is the answer, the newest day first.
type Activity struct {
	Rows []ActivityRow
	checkpoint.At
}

const activityColumns = `u.bucket, u.model, u.endpoint, u.vendor, u.charged, u.charge, u.upstream_cost, u.input_tokens + u.cache_read_tokens + u.cache_write_tokens AS prompt,
	u.output_tokens + u.reasoning_tokens AS completion, u.reasoning_tokens AS reasoning`

// Activity reads the rows of the last 30 completed UTC days before now. Errors: invalid_request with the detail "field",
// ledger_unavailable.
func (q *Query) Activity(ctx context.Context, r ActivityRequest, now time.Time) (Activity, error) {
	to := now.UTC().Truncate(24 * time.Hour)
	from := to.AddDate(0, 0, -activityDays)
	if r.WalletID == uuid.Nil {
		return Activity{}, invalid("wallet", "wallet is missing")
	}
	if r.Currency == "" {
		r.Currency = money.USD
	}
	if r.Date != "" {
		day, err := time.Parse(time.DateOnly, r.Date)
		if err != nil || day.Before(from) || !day.Before(to) {
			return Activity{}, invalid("date", "date is one of the last %d completed UTC days, as YYYY-MM-DD", activityDays)
		}
		from, to = day, day.AddDate(0, 0, 1)
	}
	over, err := q.over(ctx, r.MinPosition)
	for {
		if err != nil {
			return Activity{}, err
		}
		a, err := q.activityOf(ctx, r, from, to, over)
		if err == nil && !q.reached(a.At, over) {
			q.kept.forget(a.Build())
			over = a.AsOf
			continue
		}
		return a, err
	}
}

// activityOf reads the days once when all of them are over, and after that only of which position the answer is.
func (q *Query) activityOf(ctx context.Context, r ActivityRequest, from, to, over time.Time) (Activity, error) {
	if over.Before(to) {
		return q.activity(ctx, r, from, to, over)
	}
	text, err := json.Marshal([]any{"activity", wall.Of(ctx), r.WalletID, r.KeyID, r.Currency, from.Unix(), to.Unix()})
	if err != nil {
		return Activity{}, fmt.Errorf("write the question: %w", err)
	}
	key := string(text)
	if value, build, found := q.kept.get(key); found {
		at, err := q.checkpoint(ctx, r.MinPosition)
		if err != nil {
			return Activity{}, err
		}
		if rows, ok := value.([]ActivityRow); ok && at.Build() == build {
			return Activity{rows, at}, nil
		}
		q.kept.forget(build)
	}
	a, err := q.activity(ctx, r, from, to, over)
	if err == nil && !a.AsOf.Before(over) {
		q.kept.put(key, a.Rows, activitySize(a.Rows), a.Build())
	}
	return a, err
}

// activitySize is about how many bytes rows take. Each has one text for both of its models.
func activitySize(rows []ActivityRow) int {
	n := 0
	for i := range rows {
		r := &rows[i]
		n += int(unsafe.Sizeof(*r)) + len(r.Date) + len(r.Model) + len(r.EndpointID) + len(r.ProviderName)
	}
	return n
}

func (q *Query) activity(ctx context.Context, r ActivityRequest, from, to, over time.Time) (a Activity, err error) {
	s := &source{}
	where := "u.wallet_id = " + s.arg(r.WalletID) + " AND u.currency = " + s.arg(string(r.Currency)) + " AND u.charged > 0"
	if r.KeyID != nil {
		where += " AND u.key_id = " + s.arg(*r.KeyID)
	}
	s.rollups(ofCalls, cover([]time.Time{from, to}, to, over, Minute, quarterHour, Day), activityColumns, where)
	s.branches = append(s.branches, `SELECT `+activityColumns+` FROM `+openTable+` u WHERE u.bucket >= `+s.arg(from)+` AND u.bucket < `+s.arg(to)+` AND `+where)
	sql := `SELECT to_char(u.bucket AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, u.model, u.endpoint, u.vendor, sum(u.charge)::text AS charge, sum(u.upstream_cost)::text AS upstream_cost,
		sum(u.charged)::bigint AS charged, sum(u.prompt)::bigint AS prompt, sum(u.completion)::bigint AS completion, sum(u.reasoning)::bigint AS reasoning
		FROM (` + s.union() + `) u GROUP BY day, u.model, u.endpoint, u.vendor`
	a.At, err = q.view.Read(ctx, r.MinPosition, sql, `r.day DESC, r.model, r.endpoint`, s.args, func(row checkpoint.Row) error {
		var out ActivityRow
		err := row(&out.Date, &out.Model, &out.EndpointID, &out.ProviderName, column.Amount(&out.Usage), column.Amount(&out.BYOKUsageInference), &out.Requests,
			&out.PromptTokens, &out.CompletionTokens, &out.ReasoningTokens)
		out.ModelPermaslug = out.Model
		a.Rows = append(a.Rows, out)
		return err
	})
	return a, err
}
