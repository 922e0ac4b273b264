package projections_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/pgtest"
	"github.com/massrouter/massrouter/projections/generations"
	"github.com/massrouter/massrouter/projections/keys"
	"github.com/massrouter/massrouter/projections/balance"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
	"github.com/massrouter/massrouter/projections/statement"
)

func TestZZBig(t *testing.T) {
	pool := pgtest.New(t)
	x := func(sql string) {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	x(`insert into views.checkpoints(name,version,position) select n,1,3000000 from unnest(array['balance','statement','keys','generations','catalog']) n`)
	x(`create function w(n bigint) returns uuid language sql immutable as $$ select ('00000000-0000-0000-0000-' || lpad(to_hex(n),12,'0'))::uuid $$`)
	x(`insert into views.generations_v1 select w(i+1000000), case when i%2=0 then w(1) else w(2+i%1000) end, w(case when i%2=0 then 11 else 12+i%1000 end), case when i=1000 then 'rare' else 'm'||(i%10) end, 'e', w(9), 'USD', 1, 1, 1, '2026-01-01'::timestamptz + i * interval '1 second', i, '2026-01-01', 'running' from generate_series(1,2000000) i`)
	x(`insert into views.generations_ends_v1 select w(i+1000000),'charged', '2026-01-01'::timestamptz + i * interval '1 second', i, 'v', 1,0,1,'reported','{}','[]','{}','',false from generate_series(1,2000000) i`)
	x(`insert into views.statement_v1 select case when i%2=0 then w(1) else w(2+i%1000) end, i, '2026-01-01'::timestamptz + i * interval '1 second', case when i%100000=0 then 'top_up' else 'charge' end, 1,0,1,'USD','','',null,null,'m' from generate_series(1,2000000) i`)
	x(`insert into views.statement_minutes_v1 select date_trunc('minute', recorded_at), min(position) from views.statement_v1 group by 1`)
	x(`insert into views.keys_v1 select w(i), w(2+i%1000), 'l', decode(repeat('00',32),'hex'), decode(repeat('00',32),'hex'), null, '{}', false,'',false,'',now(),i,now(),i from generate_series(1,100000) i`)
	x(`insert into views.balance_v1(wallet_id,owner,currency,posted,held,credited_total,charged_total,open_holds,opened_at,opened_position,position) select w(i),'o'||i%10000,'USD',1,0,1,0,0,now(),i,i from generate_series(1,100000) i`)
	x(`analyze`)
	g, s, k, b := generations.NewQuery(pool), statement.NewQuery(pool), keys.NewQuery(pool), balance.NewQuery(pool)
	w1, w5, k11 := pt.ID(1), pt.ID(5), pt.ID(11)
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	timed := func(name string, f func() (int, error)) {
		worst, n := time.Duration(0), 0
		for range 12 {
			at := time.Now()
			var err error
			n, err = f()
			require.NoError(t, err)
			worst = max(worst, time.Since(at))
		}
		fmt.Printf("%-40s %6d rows worst %v\n", name, n, worst)
	}
	gl := func(name string, r generations.Request) {
		timed("generations "+name, func() (int, error) { p, err := g.List(t.Context(), r); if err == nil && p.NextCursor != "" { r2 := r; r2.Cursor = p.NextCursor; _, err = g.List(t.Context(), r2) }; return len(p.Generations), err })
	}
	gl("all", generations.Request{Limit: 50})
	gl("all 1000", generations.Request{Limit: 1000})
	gl("all old", generations.Request{Limit: 50, To: base.Add(time.Hour)})
	gl("wallet", generations.Request{Limit: 50, WalletID: &w1})
	gl("wallet small", generations.Request{Limit: 50, WalletID: &w5})
	gl("wallet old range", generations.Request{Limit: 50, WalletID: &w1, From: base.Add(time.Hour), To: base.Add(2*time.Hour)})
	gl("key", generations.Request{Limit: 50, KeyID: &k11})
	gl("wallet+key", generations.Request{Limit: 50, KeyID: &k11, WalletID: &w1})
	gl("wallet+model", generations.Request{Limit: 50, WalletID: &w1, Model: "m2"})
	gl("wallet+rare model", generations.Request{Limit: 50, WalletID: &w1, Model: "rare"})
	gl("rare model", generations.Request{Limit: 50, Model: "rare"})
	gl("no such wallet", generations.Request{Limit: 50, WalletID: &uuid.UUID{}})
	sl := func(name string, r statement.Request) {
		timed("statement "+name, func() (int, error) { p, err := s.List(t.Context(), r); if err == nil && p.NextCursor != "" { r2 := r; r2.Cursor = p.NextCursor; _, err = s.List(t.Context(), r2) }; return len(p.Movements), err })
	}
	sl("wallet", statement.Request{WalletID: w1})
	sl("wallet 1000", statement.Request{WalletID: w1, Limit: 1000})
	sl("old range", statement.Request{WalletID: w1, From: base.Add(time.Hour), To: base.Add(2*time.Hour)})
	sl("future", statement.Request{WalletID: w1, From: base.AddDate(10,0,0)})
	sl("topups", statement.Request{WalletID: w1, Kinds: []string{"top_up"}})
	sl("grants none", statement.Request{WalletID: w1, Kinds: []string{"grant"}})
	sl("topups+charges", statement.Request{WalletID: w1, Kinds: []string{"top_up","charge"}})
	timed("generation by id", func() (int, error) { _, err := g.Generation(t.Context(), pt.ID(1000005), nil, 5); return 1, err })
	timed("key", func() (int, error) { _, err := k.Key(t.Context(), pt.ID(77), 5); return 1, err })
	timed("keys by wallet", func() (int, error) { p, err := k.ByWallet(t.Context(), w5, keys.Request{}); return len(p.Keys), err })
	timed("wallet", func() (int, error) { _, err := b.Wallet(t.Context(), w5, 5); return 1, err })
	timed("wallets", func() (int, error) { p, err := b.Wallets(t.Context(), balance.Request{}); return len(p.Wallets), err })
	timed("wallets of owner", func() (int, error) { p, err := b.Wallets(t.Context(), balance.Request{Owner: "o55"}); return len(p.Wallets), err })
}
