package journal_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore/memory"
	"github.com/massrouter/massrouter/internal/ledgertest"
	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/journal"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/runner"
)

// books is a ledger in which everything has happened, and its journal.
type books struct {
	*journal.Query
	story  ledgertest.Story
	events []runner.Event // that move money
	head   int64
	now    time.Time
}

func setup(t *testing.T) *books {
	t.Helper()
	clock := ledgertest.NewClock()
	store := memory.New(memory.Options{Clock: clock.Now})
	b := &books{story: ledgertest.New(t, store, clock).Tell(t.Context()), now: clock.Now()}
	registry, err := commands.Registry()
	require.NoError(t, err)
	pool := pgtest.New(t)
	r := runner.New(store, pool, registry, []runner.Projection{journal.Projection{}}, runner.Options{BatchSize: 9})
	require.NoError(t, r.ToEnd(t.Context()))
	b.Query = journal.NewQuery(pool)
	stored, err := store.Read(t.Context(), 0, 10_000)
	require.NoError(t, err)
	for _, e := range stored {
		data, err := registry.Decode(e.Type, e.Body)
		require.NoError(t, err)
		if _, ok := data.(wallet.Posting); ok {
			b.events = append(b.events, runner.Event{Position: e.Position, RecordedAt: e.RecordedAt, StreamID: e.StreamID, Data: data})
		}
		b.head = e.Position
	}
	return b
}

// entries reads all pages.
func (b *books) entries(t *testing.T, r journal.EntriesRequest) []journal.Entry {
	t.Helper()
	var all []journal.Entry
	for first := true; first || r.Cursor != ""; first = false {
		p, err := b.Entries(t.Context(), r)
		require.NoError(t, err)
		require.LessOrEqual(t, len(p.Entries), max(r.Limit, 50))
		all, r.Cursor = append(all, p.Entries...), p.NextCursor
	}
	return all
}

func TestEntriesAreTheEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.entries(t, journal.EntriesRequest{Limit: 7})
	require.Len(t, got, len(b.events))
	slices.Reverse(got)
	balances := map[string]money.Amount{}
	for i, e := range got {
		event := b.events[i]
		require.Equal(t, event.Position, e.Position)
		require.Equal(t, event.RecordedAt, e.RecordedAt)
		require.Equal(t, event.Data.EventType(), journal.EventType(e.Kind))
		currency, entry := event.Data.(wallet.Posting).Posting() //nolint:forcetypeassert // they were chosen so
		require.Equal(t, currency, e.Currency)
		require.Len(t, e.Legs, len(entry))
		sum := money.Zero()
		for _, leg := range e.Legs {
			sum = sum.Add(leg.Amount)
			balances[string(leg.Account)] = balances[string(leg.Account)].Add(leg.Amount)
			require.Equal(t, balances[string(leg.Account)].String(), leg.Balance.String(), "%s at %d", leg.Account, e.Position)
			original := leg.Account
			if strings.HasPrefix(string(original), "holds:") {
				original = money.Account("hold:" + e.GenerationID.String())
			}
			require.True(t, slices.ContainsFunc(entry, func(l money.Leg) bool { return l.Account == original && l.Amount.Equal(leg.Amount) }), original)
		}
		require.True(t, sum.IsZero())
	}
	one := b.entries(t, journal.EntriesRequest{WalletID: &b.story.Poor.Wallet, Limit: 2})
	require.Len(t, one, 3, "a top-up, a hold, a charge")
	from := got[10].RecordedAt
	require.Len(t, b.entries(t, journal.EntriesRequest{From: from, To: from.Add(time.Hour)}),
		len(slices.DeleteFunc(slices.Clone(got), func(e journal.Entry) bool {
			return e.RecordedAt.Before(from) || !e.RecordedAt.Before(from.Add(time.Hour))
		})))
	require.Len(t, b.entries(t, journal.EntriesRequest{AsOf: journal.AsOf{Position: got[4].Position}}), 5)
}

func TestLedgersOfAccounts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	trial, err := b.TrialBalance(t.Context(), journal.AsOf{}, b.head)
	require.NoError(t, err)
	require.Equal(t, b.head, trial.Position)
	var accounts []money.Account
	for _, line := range trial.Lines {
		if line.Account != journal.Wallets && line.Account != journal.Holds {
			accounts = append(accounts, line.Account)
		}
	}
	require.Equal(t, []money.Account{
		"cash:operator", "vendor:acme:payable", "revenue:usage", "cost:usage", "promo", "adjustment", "uncollectible",
	}, accounts)
	for _, id := range []uuid.UUID{b.story.Rich.Wallet, b.story.Poor.Wallet, b.story.Capped.Wallet} {
		accounts = append(accounts, journal.WalletAccount(id), journal.HoldsAccount(id))
	}
	for _, account := range accounts {
		r := journal.LedgerRequest{Account: account, Currency: money.USD, Limit: 3}
		balance, err := b.Balances(t.Context(), account, journal.AsOf{}, 0)
		require.NoError(t, err)
		after, n := balance.ByCurrency[money.USD], 0
		for first := true; first || r.Cursor != ""; first = false {
			p, err := b.Ledger(t.Context(), r)
			require.NoError(t, err)
			for _, line := range p.Lines {
				require.Equal(t, after.String(), line.Balance.String(), "%s at %d", account, line.Position)
				past, err := b.Balances(t.Context(), account, journal.AsOf{Position: line.Position}, 0)
				require.NoError(t, err)
				require.Equal(t, after.String(), past.ByCurrency[money.USD].String())
				after, n = line.Balance.Sub(line.Amount), n+1
			}
			r.Cursor = p.NextCursor
		}
		require.Positive(t, n, account)
		require.True(t, after.IsZero(), "%s begins at zero", account)
	}
}

func TestMonthsAreListed(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	id := pt.ID(1)
	s := wallet.New()
	accept := func(e wallet.Event, err error) {
		t.Helper()
		require.NoError(t, err)
		k.Append(t.Context(), t, pt.Wallet(id, e))
		s.Apply(e, k.Now)
	}
	opened, err := s.Open(wallet.Open{WalletID: id, Owner: "o", Currency: money.USD})
	accept(opened, err)
	for _, month := range []string{"2026-03", "2026-04", "2026-07"} {
		m, err := journal.ParseMonth(month)
		require.NoError(t, err)
		for _, at := range []time.Time{m.Start(), m.End().Add(-time.Microsecond)} { // the borders are inside
			if !at.Before(k.Now) {
				k.Now = at
			}
			credit, err := s.TopUp(wallet.TopUp{Amount: pt.Money("1"), Currency: money.USD, PSP: "operator", Reason: "r"})
			accept(credit, err)
		}
	}
	k.Twice(t.Context(), t, journal.Projection{})
	q := journal.NewQuery(k.Pool)
	r := journal.ClosesRequest{WalletID: id, Limit: 2}
	var got []string
	for first := true; first || r.Cursor != ""; first = false {
		p, err := q.Closes(t.Context(), r)
		require.NoError(t, err)
		for _, c := range p.Closes {
			require.Equal(t, id, c.WalletID)
			got = append(got, c.Month.String()+" "+c.Opening.Posted.String()+" "+c.TopUps.String()+" "+c.Closing.Posted.String())
		}
		r.Cursor = p.NextCursor
	}
	require.Equal(t, []string{"2026-07 4 2 6", "2026-04 2 2 4", "2026-03 0 2 2"}, got)
	for month, want := range map[time.Month]string{time.March: "0 2 2", time.April: "2 2 4", time.May: "4 0 4", time.July: "4 2 6"} {
		m := journal.Month{Year: 2026, Month: month}
		for _, asOf := range []journal.AsOf{{Time: m.End()}, {Position: k.Head(t.Context(), t)}} { // worked out, not read from the rows
			if asOf.Time.After(k.Now) {
				asOf.Time = k.Now
			}
			c, err := q.Close(t.Context(), id, m, asOf, 0)
			require.NoError(t, err)
			require.Equal(t, want, c.Opening.Posted.String()+" "+c.TopUps.String()+" "+c.Closing.Posted.String(), m.String())
		}
	}
	between, err := q.Close(t.Context(), id, journal.Month{Year: 2026, Month: time.May}, journal.AsOf{}, 0)
	require.NoError(t, err)
	require.Equal(t, "4", between.Opening.Posted.String())
	require.Equal(t, "4", between.Closing.Posted.String())
	require.True(t, between.TopUps.IsZero())
	require.True(t, between.Final)
	running, err := q.Close(t.Context(), id, journal.Month{Year: 2026, Month: time.July}, journal.AsOf{}, 0)
	require.NoError(t, err)
	require.False(t, running.Final)
	_, err = q.Close(t.Context(), id, journal.Month{Year: 2026, Month: time.February}, journal.AsOf{}, 0)
	require.Equal(t, domain.CodeWalletNotFound, domain.CodeOf(err))
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, id := t.Context(), b.story.Rich.Wallet
	first := b.events[0].RecordedAt
	entries, err := b.Entries(ctx, journal.EntriesRequest{Limit: 1})
	require.NoError(t, err)
	for name, ask := range map[string]func() error{
		"position in the future": func() error {
			_, err := b.TrialBalance(ctx, journal.AsOf{Position: b.head + 1}, 0)
			return err
		},
		"negative position": func() error { _, err := b.TrialBalance(ctx, journal.AsOf{Position: -1}, 0); return err },
		"time in the future": func() error {
			_, err := b.TrialBalance(ctx, journal.AsOf{Time: time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)}, 0)
			return err
		},
		"time before the first entry": func() error {
			_, err := b.TrialBalance(ctx, journal.AsOf{Time: first.Add(-time.Hour)}, 0)
			return err
		},
		"year 0": func() error {
			_, err := b.TrialBalance(ctx, journal.AsOf{Time: time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC)}, 0)
			return err
		},
		"time and position": func() error {
			_, err := b.TrialBalance(ctx, journal.AsOf{Position: 1, Time: first}, 0)
			return err
		},
		"unknown account":    func() error { _, err := b.Balances(ctx, "cash", journal.AsOf{}, 0); return err },
		"account of a hold":  func() error { _, err := b.Balances(ctx, "hold:1", journal.AsOf{}, 0); return err },
		"all wallets":        func() error { _, err := b.Balances(ctx, journal.Wallets, journal.AsOf{}, 0); return err },
		"control characters": func() error { _, err := b.Balances(ctx, "cash:\x00", journal.AsOf{}, 0); return err },
		"other spelling": func() error {
			_, err := b.Balances(ctx, money.Account("wallet:"+strings.ToUpper(id.String())), journal.AsOf{}, 0)
			return err
		},
		"no currency": func() error { _, err := b.Ledger(ctx, journal.LedgerRequest{Account: money.Promo}); return err },
		"limit":       func() error { _, err := b.Entries(ctx, journal.EntriesRequest{Limit: 1001}); return err },
		"cursor of another list": func() error {
			_, err := b.Ledger(ctx, journal.LedgerRequest{Account: money.Promo, Currency: money.USD, Cursor: entries.NextCursor})
			return err
		},
		"range": func() error {
			_, err := b.Entries(ctx, journal.EntriesRequest{From: first.Add(1), To: first})
			return err
		},
		"open period": func() error {
			_, err := b.Statement(ctx, journal.StatementRequest{WalletID: id, From: first})
			return err
		},
		"month 13": func() error {
			_, err := b.Close(ctx, id, journal.Month{Year: 2026, Month: 13}, journal.AsOf{}, 0)
			return err
		},
		"month": func() error { _, err := journal.ParseMonth("2026-3"); return err },
	} {
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(ask()), name)
	}
	_, err = b.Close(ctx, uuid.New(), journal.Month{Year: 2026, Month: 3}, journal.AsOf{}, 0)
	require.Equal(t, domain.CodeWalletNotFound, domain.CodeOf(err))
	now, err := b.TrialBalance(ctx, journal.AsOf{Time: b.now.Add(time.Second)}, 0) // past by this machine's clock
	require.NoError(t, err)
	require.Equal(t, b.now, now.AsOf, "no promise for the time after the last event")
}

// TestBooksWithoutAPlaceForALeg: an account that the chart does not know, or another wallet's, stops the journal.
func TestBooksWithoutAPlaceForALeg(t *testing.T) {
	t.Parallel()
	carried, err := journal.Projection{}.Carry(t.Context(), pgtest.New(t))
	require.NoError(t, err)
	for _, account := range []money.Account{"revenue:other", "vendor::payable", "cash:", "wallet:" + money.Account(pt.ID(2).String()), "holds:1", ""} {
		e := wallet.Granted{Amount: pt.Money("1"), Currency: money.USD, Reason: "r", Balances: pt.After("1", "0"), Entry: money.Entry{
			{Account: account, Amount: pt.Money("-1")}, {Account: journal.WalletAccount(pt.ID(1)), Amount: pt.Money("1")},
		}}
		w := runner.Writes{Carried: carried}
		err := journal.Projection{}.Project([]runner.Event{{Position: 1, StreamID: wallet.Stream(pt.ID(1)), Data: e}}, &w)
		require.ErrorContains(t, err, "position 1", account)
	}
}

// TestBooksThatAreNotAsTheyWereRead: running balances are not continued from what somebody else has changed.
func TestBooksThatAreNotAsTheyWereRead(t *testing.T) {
	t.Parallel()
	k := pt.New(t, pgtest.New(t))
	s := wallet.New()
	opened, err := s.Open(wallet.Open{WalletID: pt.ID(1), Owner: "o", Currency: money.USD})
	require.NoError(t, err)
	s.Apply(opened, k.Now)
	grant := func() int64 {
		e, err := s.Grant(wallet.Grant{Amount: pt.Money("1"), Currency: money.USD, Reason: "r"})
		require.NoError(t, err)
		s.Apply(e, k.Now)
		return k.Append(t.Context(), t, pt.Wallet(s.ID, e))
	}
	grant()
	failed := make(chan error, 100)
	following, stop := context.WithCancel(t.Context())
	defer stop()
	r := k.Runner(runner.Options{Gap: -1, Takeover: time.Hour, Backoff: time.Millisecond, OnError: func(_ string, err error) { failed <- err }}, journal.Projection{})
	done := make(chan error, 1)
	go func() { done <- r.Run(following) }()
	view := checkpoint.NewView(k.Pool, journal.Name, journal.Version, checkpoint.WithMaxWait(time.Minute))
	require.NoError(t, view.WaitFor(t.Context(), grant()))
	tag, err := k.Pool.Exec(t.Context(), `UPDATE views.journal_balances_v2 SET balance = balance - 5 WHERE account = 'promo'`)
	require.NoError(t, err)
	require.EqualValues(t, 1, tag.RowsAffected())
	last := grant()
	require.ErrorContains(t, <-failed, "the view does not fit the log")
	require.NoError(t, view.WaitFor(t.Context(), last), "what is stored is read again")
	stop()
	require.NoError(t, <-done)
}
