package benchqueries

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/projections/balance"
	"github.com/massrouter/massrouter/projections/generations"
	"github.com/massrouter/massrouter/projections/journal"
	"github.com/massrouter/massrouter/projections/statement"
	"github.com/massrouter/massrouter/projections/usage"
)

// question is one kind; the number chooses whom it is about.
type question struct {
	name string
	ask  func(ctx context.Context, n int) error
}

func newQuestions(pool, forStatistics *pgxpool.Pool, log eventstore.Reader, wallets []uuid.UUID) ([]question, error) {
	registry, err := commands.Registry()
	if err != nil {
		return nil, err
	}
	wallet := func(n int) uuid.UUID { return wallets[n*7919%len(wallets)] }
	balances, statements, calls := balance.NewQuery(pool), statement.NewQuery(pool), generations.NewQuery(pool)
	books, statistics := journal.NewQuery(pool), usage.NewQuery(forStatistics, log, registry)
	all := []question{
		{"balance", func(ctx context.Context, n int) error {
			_, err := balances.Wallet(ctx, wallet(n), 0)
			return err
		}},
		{"statement page", func(ctx context.Context, n int) error {
			_, err := statements.List(ctx, statement.Request{WalletID: wallet(n)})
			return err
		}},
		{"page of calls", func(ctx context.Context, n int) error {
			id := wallet(n)
			_, err := calls.List(ctx, generations.Request{WalletID: &id})
			return err
		}},
		{"activity", func(ctx context.Context, n int) error {
			_, err := statistics.Activity(ctx, usage.ActivityRequest{WalletID: wallet(n)}, time.Now())
			return err
		}},
		{"trial balance", func(ctx context.Context, _ int) error {
			_, err := books.TrialBalance(ctx, journal.AsOf{}, 0)
			return err
		}},
	}
	for _, days := range []int{1, 30, 365} {
		all = append(all, statisticsOf(statistics, days, wallet)...)
	}
	return all, nil
}

// statisticsOf are the questions of a dashboard over a number of days until now.
func statisticsOf(q *usage.Query, days int, wallet func(int) uuid.UUID) []question {
	sums := []usage.Metric{usage.Charge, usage.Calls, usage.TotalTokens, usage.CacheShare, usage.ErrorShare}
	latency := []usage.Metric{usage.DurationP50, usage.DurationP99, usage.FirstTokenP95}
	var out []question
	for _, row := range []struct {
		name   string
		own    bool
		series bool
		r      usage.Request
	}{
		{"wallet by model", true, false, usage.Request{Metrics: sums, Dimensions: []usage.Dimension{usage.ByModel}}},
		{"wallet series", true, true, usage.Request{Metrics: sums, Dimensions: []usage.Dimension{usage.ByModel}, Filter: usage.Filter{Zone: "Asia/Kolkata"}}},
		{"wallet latency", true, false, usage.Request{Metrics: latency, Dimensions: []usage.Dimension{usage.ByModel}}},
		{"platform by model and vendor", false, false, usage.Request{Metrics: sums, Dimensions: []usage.Dimension{usage.ByModel, usage.ByVendor}}},
		{"platform series", false, true, usage.Request{Metrics: sums, Dimensions: []usage.Dimension{usage.ByVendor}}},
		{"platform latency", false, false, usage.Request{Metrics: latency, Dimensions: []usage.Dimension{usage.ByVendor}}},
		{"platform errors", false, false, usage.Request{Metrics: []usage.Metric{usage.Errors}, Dimensions: []usage.Dimension{usage.ByError}}},
		{"platform by wallet", false, false, usage.Request{Metrics: sums, Dimensions: []usage.Dimension{usage.ByWallet}}},
	} {
		out = append(out, question{fmt.Sprintf("%s, %d days", row.name, days), func(ctx context.Context, n int) error {
			r := row.r
			r.To = time.Now().Truncate(time.Minute).Add(time.Minute)
			r.From = r.To.AddDate(0, 0, -days)
			if row.own {
				r.Wallets = []uuid.UUID{wallet(n)}
			}
			var err error
			if row.series {
				_, err = q.Series(ctx, r)
			} else {
				_, err = q.Aggregate(ctx, r)
			}
			return err
		}})
	}
	return out
}
