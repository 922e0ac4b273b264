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
	"github.com/massrouter/massrouter/projections/rankings"
	"github.com/massrouter/massrouter/projections/rankings/hot"
	"github.com/massrouter/massrouter/projections/statement"
	"github.com/massrouter/massrouter/projections/usage"
)

// question is one kind; the number chooses whom it is about.
type question struct {
	name string
	each bool // there is one about each wallet
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
		{"balance", true, func(ctx context.Context, n int) error {
			_, err := balances.Wallet(ctx, wallet(n), 0)
			return err
		}},
		{"statement page", true, func(ctx context.Context, n int) error {
			_, err := statements.List(ctx, statement.Request{WalletID: wallet(n)})
			return err
		}},
		{"page of calls", true, func(ctx context.Context, n int) error {
			id := wallet(n)
			_, err := calls.List(ctx, generations.Request{WalletID: &id})
			return err
		}},
		{"activity", true, func(ctx context.Context, n int) error {
			_, err := statistics.Activity(ctx, usage.ActivityRequest{WalletID: wallet(n)}, time.Now())
			return err
		}},
		{"trial balance", false, func(ctx context.Context, _ int) error {
			_, err := books.TrialBalance(ctx, journal.AsOf{}, 0)
			return err
		}},
	}
	for _, days := range []int{1, 30, 365} {
		all = append(all, statisticsOf(statistics, days, wallet)...)
	}
	return append(all, rankingsOf(hot.NewQuery(nil, rankings.NewQuery(forStatistics, log, registry), hot.QueryOptions{}))...), nil
}

// rankingsOf are boards of the windows in which the log ends, and of those before; without the copies in Redis.
func rankingsOf(q *hot.Query) []question {
	var out []question
	ask := func(name string, request func() rankings.Request) {
		out = append(out, question{"rankings, " + name, false, func(ctx context.Context, _ int) error {
			r := request()
			r.By, r.Top = rankings.Tokens, 5 // the other models are one row
			_, err := q.Rank(ctx, r)
			return err
		}})
	}
	for _, window := range rankings.Windows() {
		ask(string(window), func() rankings.Request { return rankings.Request{Board: rankings.Models, Window: window} })
		if window == rankings.All {
			continue
		}
		ask(string(window)+" before", func() rankings.Request {
			at := window.Next(window.Start(time.Now()), -1)
			return rankings.Request{Board: rankings.Models, Window: window, Date: at}
		})
		ask(string(window)+", trending", func() rankings.Request {
			return rankings.Request{Board: rankings.Models, Window: window, Trending: true}
		})
	}
	return out
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
		out = append(out, question{fmt.Sprintf("%s, %d days", row.name, days), row.own, func(ctx context.Context, n int) error {
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
