// Package apps is the read model of the app registry.
package apps

import (
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// Name and Version key the checkpoint: another name or version is another projection, built from position 0.
const (
	Name    = "apps"
	Version = 1
)

// Projection writes the apps view.
type Projection struct{}

// Name implements runner.Projection.
func (Projection) Name() string { return Name }

// Version implements runner.Projection.
func (Projection) Version() int { return Version }

// Tables implements runner.Projection.
func (Projection) Tables() []string { return []string{"views.apps_v1"} }

// Project implements runner.Projection.
func (Projection) Project(events []runner.Event, w *runner.Writes) error {
	b := batch{byID: map[uuid.UUID]*fact{}}
	for i := range events {
		if e, ok := events[i].Data.(app.Event); ok {
			b.fold(e, &events[i])
		}
	}
	b.write(w)
	return nil
}

// fact is what a batch says of one app; nil means that it says nothing of that.
type fact struct {
	registered         *app.Registered
	registeredAt       time.Time
	registeredPosition int64
	details            *app.Details
	archived           *string // the reason
	at                 *runner.Event
}

// batch keeps the apps in the order in which they appear.
type batch struct {
	byID  map[uuid.UUID]*fact
	order []uuid.UUID
}

func (b *batch) get(id uuid.UUID, at *runner.Event) *fact {
	f, ok := b.byID[id]
	if !ok {
		f = &fact{}
		b.byID[id], b.order = f, append(b.order, id)
	}
	f.at = at
	return f
}

func (b *batch) fold(event app.Event, at *runner.Event) {
	switch e := event.(type) {
	case app.Registered:
		f := b.get(e.AppID, at)
		f.registered, f.registeredAt, f.registeredPosition, f.details = &e, at.RecordedAt, at.Position, &e.Details
	case app.Updated:
		b.get(e.AppID, at).details = &e.Details
	case app.Archived:
		b.get(e.AppID, at).archived = &e.Reason
	}
}

const insertApps = `INSERT INTO views.apps_v1 (app_id, wallet_id, owner, name, url, description, hidden, archived, archived_reason,
	registered_at, registered_position, updated_at, position)
	SELECT t.app_id, t.wallet_id, t.owner, '', '', '', false, false, '', t.at, t.position, t.at, t.position
	FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::bigint[]) AS t(app_id, wallet_id, owner, at, position)`

const updateApps = `UPDATE views.apps_v1 AS a SET name = coalesce(t.name, a.name), url = coalesce(t.url, a.url),
	description = coalesce(t.description, a.description), hidden = coalesce(t.hidden, a.hidden),
	archived = a.archived OR t.reason IS NOT NULL, archived_reason = coalesce(t.reason, a.archived_reason), updated_at = t.at, position = t.position
	FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::text[], $7::timestamptz[], $8::bigint[])
	AS t(app_id, name, url, description, hidden, reason, at, position) WHERE a.app_id = t.app_id`

func (b *batch) write(w *runner.Writes) {
	var fresh, wallet, id column.UUIDs
	var owner, name, url, description, reason column.Texts
	var registeredAt, at column.Times
	var registeredPosition, position column.Ints
	var hidden column.Bools
	for _, key := range b.order {
		f := b.byID[key]
		if r := f.registered; r != nil {
			fresh.Add(key)
			wallet.Add(r.WalletID)
			owner.Add(r.Owner)
			registeredAt.Add(f.registeredAt)
			registeredPosition.Add(f.registeredPosition)
		}
		id.Add(key)
		if d := f.details; d != nil {
			name.Add(d.Name)
			url.Add(d.URL)
			description.Add(d.Description)
			hidden.Add(d.Hidden)
		} else {
			name.Maybe(nil)
			url.Maybe(nil)
			description.Maybe(nil)
			hidden.Maybe(nil)
		}
		reason.Maybe(f.archived)
		at.Add(f.at.RecordedAt)
		position.Add(f.at.Position)
	}
	w.Add(fresh.Len(), insertApps, &fresh, &wallet, &owner, &registeredAt, &registeredPosition)
	w.Add(id.Len(), updateApps, &id, &name, &url, &description, &hidden, &reason, &at, &position)
}
