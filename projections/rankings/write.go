package rankings

import (
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// An hour that has a mark keeps it, and a wallet its first top-up.
const (
	insertMarks = `INSERT INTO views.rankings_hours_v1 (hour, first_position)
	SELECT * FROM unnest($1::timestamptz[], $2::bigint[]) ON CONFLICT (hour) DO NOTHING`
	insertPayers = `INSERT INTO views.rankings_wallets_v1 (wallet_id, position, day)
	SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::date[]) ON CONFLICT (wallet_id) DO NOTHING`
	upsertApps = `INSERT INTO views.rankings_apps_v1 (app_id, name, url, hidden)
	SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::boolean[])
	ON CONFLICT (app_id) DO UPDATE SET name = excluded.name, url = excluded.url, hidden = excluded.hidden`
	upsertHours = `INSERT INTO views.rankings_hour_v1 AS s (hour, wallet_id, model, vendor, app_id, app_url, tokens, calls, spend)
	SELECT t.hour, t.wallet_id, t.model, t.vendor, t.app_id, t.app_url, t.tokens, t.calls, t.spend
	FROM unnest($1::timestamptz[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::bigint[], $8::bigint[], $9::numeric[])
	AS t(hour, wallet_id, model, vendor, app_id, app_url, tokens, calls, spend)
	ON CONFLICT (hour, wallet_id, model, vendor, app_id, app_url)
	DO UPDATE SET tokens = s.tokens + excluded.tokens, calls = s.calls + excluded.calls, spend = s.spend + excluded.spend`
	setClock = `INSERT INTO views.rankings_clock_v1 AS c (id, day) SELECT 1, ($1::date[])[1]
	ON CONFLICT (id) DO UPDATE SET day = excluded.day WHERE c.day <> excluded.day`
)

func (b *batch) write(w *runner.Writes) {
	b.writeMarks(w)
	b.writePayers(w)
	b.apps.write(w)
	for i := range b.segments {
		s := &b.segments[i]
		day := func() *column.Dates {
			var c column.Dates
			c.Maybe(second(s.day))
			return &c
		}
		if s.begins {
			w.AddAny(closeDays(), day())
		}
		s.write(w)
		if s.begins {
			w.AddAny(setClock, day())
		}
	}
}

func (b *batch) writeMarks(w *runner.Writes) {
	if len(b.marks) == 0 {
		return
	}
	var hour column.Times
	var position column.Ints
	for _, m := range b.marks {
		hour.Add(second(m.hour))
		position.Add(m.position)
	}
	w.AddAny(insertMarks, &hour, &position)
}

// writePayers comes before any day is closed; that a top-up is of a later day is told by its day.
func (b *batch) writePayers(w *runner.Writes) {
	if len(b.payers) == 0 {
		return
	}
	var wallet column.UUIDs
	var position column.Ints
	var day column.Dates
	for _, p := range b.payers {
		wallet.Add(p.wallet)
		position.Add(p.position)
		day.Maybe(second(p.day))
	}
	w.AddAny(insertPayers, &wallet, &position, &day)
}

func (a *apps) write(w *runner.Writes) {
	var id column.UUIDs
	var name, url column.Texts
	var hidden column.Bools
	for _, k := range a.order {
		d := a.byID[k]
		id.Add(k)
		name.Add(d.Name)
		url.Add(d.URL)
		hidden.Add(d.Hidden)
	}
	w.Add(id.Len(), upsertApps, &id, &name, &url, &hidden)
}

// factColumns are the columns of facts.
type factColumns struct {
	hour               column.Times
	wallet, app        column.UUIDs
	model, vendor, url column.Texts
	tokens, calls      column.Ints
	spend              column.Amounts
}

func (f *facts) columns() *factColumns {
	var c factColumns
	for i := range f.order {
		k := &f.order[i]
		s := f.byKey[*k]
		c.hour.Add(second(k.hour))
		c.wallet.Add(k.wallet)
		c.model.Add(k.model)
		c.vendor.Add(k.vendor)
		c.app.Add(k.app)
		c.url.Add(k.url)
		c.tokens.Add(s.tokens)
		c.calls.Add(s.calls)
		c.spend.Add(s.spend)
	}
	return &c
}

func (f *facts) write(w *runner.Writes) {
	c := f.columns()
	w.Add(len(f.order), upsertHours, &c.hour, &c.wallet, &c.model, &c.vendor, &c.app, &c.url, &c.tokens, &c.calls, &c.spend)
}
