package keys

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// fact is what a batch says of one key; nil means that it says nothing of that.
type fact struct {
	wallet         *uuid.UUID // of a key that was issued in the batch
	issuedAt       time.Time
	issuedPosition int64
	scope          apikey.Scope
	label          *string
	hash, oldHash  []byte // oldHash only when the batch has the hash before, too
	oldHashUntil   *time.Time
	limits         *string
	disabled       *bool
	disabledReason *string
	revoked        *bool
	revokedReason  *string
	app            *uuid.UUID // nil UUID: none
	at             time.Time
	position       int64
}

type facts struct{ ordered[fact] }

func newFacts() *facts { return &facts{ordered[fact]{byKey: map[uuid.UUID]*fact{}}} }

func (f *facts) fold(event apikey.Event, at *runner.Event) error {
	switch e := event.(type) {
	case apikey.Issued:
		k := f.touch(e.KeyID, at)
		k.wallet, k.issuedAt, k.issuedPosition, k.scope = &e.WalletID, at.RecordedAt, at.Position, e.Scope
		k.label, k.hash = &e.Label, e.Hash[:]
		return k.limit(e.Limits)
	case apikey.Updated:
		return f.touch(e.KeyID, at).limit(e.Limits)
	case apikey.Rotated:
		k := f.touch(e.KeyID, at)
		k.label, k.hash, k.oldHash, k.oldHashUntil = &e.Label, e.Hash[:], k.hash, &e.OldHashUntil
	case apikey.Disabled:
		f.touch(e.KeyID, at).disable(true, e.Reason)
	case apikey.Enabled:
		f.touch(e.KeyID, at).disable(false, "")
	case apikey.Revoked:
		k, revoked := f.touch(e.KeyID, at), true
		k.revoked, k.revokedReason = &revoked, &e.Reason
	case apikey.AppBound:
		f.touch(e.KeyID, at).app = &e.AppID
	}
	return nil
}

func (f *facts) touch(key uuid.UUID, at *runner.Event) *fact {
	k := f.get(key)
	k.at, k.position = at.RecordedAt, at.Position
	return k
}

func (k *fact) disable(disabled bool, reason string) {
	k.disabled, k.disabledReason = &disabled, &reason
}

func (k *fact) limit(l apikey.Limits) error {
	body, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode limits: %w", err)
	}
	text := string(body)
	k.limits = &text
	return nil
}

// values are the columns that both statements have.
type values struct {
	key                           column.UUIDs
	label, limits                 column.Texts
	hash, oldHash                 column.Bytes
	oldHashUntil                  column.Times
	disabled, revoked             column.Bools
	disabledReason, revokedReason column.Texts
	app                           column.UUIDs
	at                            column.Times
	position                      column.Ints
}

func (v *values) add(key uuid.UUID, k *fact) {
	v.key.Add(key)
	v.label.Maybe(k.label)
	v.limits.Maybe(k.limits)
	v.hash.Maybe(k.hash)
	v.oldHash.Maybe(k.oldHash)
	v.oldHashUntil.Maybe(k.oldHashUntil)
	v.disabled.Maybe(k.disabled)
	v.disabledReason.Maybe(k.disabledReason)
	v.revoked.Maybe(k.revoked)
	v.revokedReason.Maybe(k.revokedReason)
	v.app.Maybe(k.app)
	v.at.Add(k.at)
	v.position.Add(k.position)
}

func (v *values) columns() []column.Array {
	return []column.Array{
		&v.key, &v.label, &v.limits, &v.hash, &v.oldHash, &v.oldHashUntil, &v.disabled, &v.disabledReason, &v.revoked, &v.revokedReason,
		&v.app, &v.at, &v.position,
	}
}

const unnestKeys = ` FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bytea[], $6::timestamptz[], $7::boolean[], $8::text[],
	$9::boolean[], $10::text[], $11::uuid[], $12::timestamptz[], $13::bigint[]`

const namesOfKeys = ` AS t(key_id, label, limits, hash, old_hash, old_hash_until, disabled, disabled_reason, revoked, revoked_reason, app_id, at, position`

const insertKeys = `INSERT INTO views.keys_v1 (key_id, wallet_id, label, hash, old_hash, old_hash_until, limits, disabled,
	disabled_reason, revoked, revoked_reason, app_id, issued_at, issued_position, scope, updated_at, position)
	SELECT t.key_id, t.wallet_id, t.label, t.hash, coalesce(t.old_hash, decode(repeat('00', 32), 'hex')), t.old_hash_until,
		t.limits::jsonb, coalesce(t.disabled, false), coalesce(t.disabled_reason, ''), coalesce(t.revoked, false),
		coalesce(t.revoked_reason, ''), coalesce(t.app_id, '00000000-0000-0000-0000-000000000000'), t.issued_at, t.issued_position, t.scope, t.at, t.position` +
	unnestKeys + `, $14::uuid[], $15::timestamptz[], $16::bigint[], $17::text[])` + namesOfKeys + `, wallet_id, issued_at, issued_position, scope)`

const updateKeys = `UPDATE views.keys_v1 AS k SET
	label = coalesce(t.label, k.label), hash = coalesce(t.hash, k.hash),
	old_hash = CASE WHEN t.hash IS NULL THEN k.old_hash ELSE coalesce(t.old_hash, k.hash) END,
	old_hash_until = coalesce(t.old_hash_until, k.old_hash_until), limits = coalesce(t.limits::jsonb, k.limits),
	disabled = coalesce(t.disabled, k.disabled), disabled_reason = coalesce(t.disabled_reason, k.disabled_reason),
	revoked = coalesce(t.revoked, k.revoked), revoked_reason = coalesce(t.revoked_reason, k.revoked_reason),
	app_id = coalesce(t.app_id, k.app_id),
	updated_at = t.at, position = t.position` +
	unnestKeys + `)` + namesOfKeys + `) WHERE k.key_id = t.key_id`

func (f *facts) write(w *runner.Writes) {
	var fresh, known values
	var walletID column.UUIDs
	var issuedAt column.Times
	var issuedPosition column.Ints
	var scope column.Texts
	for _, key := range f.order {
		k := f.byKey[key]
		if k.wallet == nil {
			known.add(key, k)
			continue
		}
		fresh.add(key, k)
		walletID.Add(*k.wallet)
		issuedAt.Add(k.issuedAt)
		issuedPosition.Add(k.issuedPosition)
		scope.Add(string(k.scope))
	}
	w.Add(fresh.key.Len(), insertKeys, append(fresh.columns(), &walletID, &issuedAt, &issuedPosition, &scope)...)
	w.Add(known.key.Len(), updateKeys, known.columns()...)
}
