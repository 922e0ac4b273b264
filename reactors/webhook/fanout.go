package webhook

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
)

// receiver is a webhook as far as making its deliveries goes.
type receiver struct {
	id, wallet uuid.UUID
	from       int64
	settings   Settings
}

// fresh is a delivery to be made.
type fresh struct {
	id, webhook uuid.UUID
	position    int64
	kind        Type
	at          time.Time
	body        []byte
}

// learnKeys keeps whose key a key is: the events after that of its issue do not say so.
func (f *Follower) learnKeys(ctx context.Context, tx pgx.Tx, events []eventstore.Event) error {
	var keys, wallets []uuid.UUID
	for i := range events {
		if events[i].Type != (apikey.Issued{}).EventType() {
			continue
		}
		event, err := f.decode(&events[i])
		if err != nil {
			return err
		}
		if issued, ok := event.(apikey.Issued); ok {
			keys, wallets = append(keys, issued.KeyID), append(wallets, issued.WalletID)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO webhooks.keys (key_id, wallet_id) SELECT * FROM unnest($1::uuid[], $2::uuid[]) ON CONFLICT DO NOTHING`, keys, wallets)
	if err != nil {
		return fmt.Errorf("keep the keys' wallets: %w", err)
	}
	return nil
}

// ownersOf says which wallet each stream of some events belongs to; streams that belong to none are left out.
func ownersOf(ctx context.Context, tx pgx.Tx, events []eventstore.Event) (map[domain.StreamID]uuid.UUID, error) {
	owners := map[domain.StreamID]uuid.UUID{}
	keys := map[uuid.UUID]domain.StreamID{}
	for i := range events {
		stream := events[i].StreamID
		id, err := uuid.Parse(stream.Identity())
		switch {
		case err != nil: // a stream that is keyed otherwise is neither a wallet nor a key
		case stream == wallet.Stream(id):
			owners[stream] = id
		case stream == apikey.Stream(id):
			keys[id] = stream
		}
	}
	if len(keys) == 0 {
		return owners, nil
	}
	ids := make([]uuid.UUID, 0, len(keys))
	for id := range keys {
		ids = append(ids, id)
	}
	rows, err := tx.Query(ctx, `SELECT key_id, wallet_id FROM webhooks.keys WHERE key_id = ANY($1)`, ids)
	var key, owner uuid.UUID
	if err := each(rows, err, []any{&key, &owner}, func() error { owners[keys[key]] = owner; return nil }); err != nil {
		return nil, fmt.Errorf("read the keys' wallets: %w", err)
	}
	return owners, nil
}

// receivers are the enabled webhooks of the owners of some streams, by wallet.
func receivers(ctx context.Context, tx pgx.Tx, owners map[domain.StreamID]uuid.UUID) (map[uuid.UUID][]receiver, error) {
	ids := make([]uuid.UUID, 0, len(owners))
	for _, id := range owners {
		ids = append(ids, id)
	}
	rows, err := tx.Query(ctx, `SELECT id, wallet_id, from_position, event_types, balance_threshold::text FROM webhooks.webhooks
		WHERE wallet_id = ANY($1) AND disabled_reason = ''`, ids)
	if err != nil {
		return nil, fmt.Errorf("read the webhooks: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanReceiver)
	if err != nil {
		return nil, fmt.Errorf("read the webhooks: %w", err)
	}
	byWallet := map[uuid.UUID][]receiver{}
	for _, r := range all {
		byWallet[r.wallet] = append(byWallet[r.wallet], r)
	}
	return byWallet, nil
}

func scanReceiver(row pgx.CollectableRow) (r receiver, err error) {
	var types []string
	var threshold *string
	if err := row.Scan(&r.id, &r.wallet, &r.from, &types, &threshold); err != nil {
		return r, err
	}
	r.settings.EventTypes = typesOf(types)
	r.settings.BalanceThreshold, err = thresholdOf(threshold)
	return r, err
}

func typesOf(names []string) []Type {
	types := make([]Type, len(names))
	for i, name := range names {
		types[i] = Type(name)
	}
	return types
}

func thresholdOf(text *string) (*money.Amount, error) {
	if text == nil {
		return nil, nil //nolint:nilnil // none is a valid answer
	}
	threshold, err := money.Parse(*text)
	return &threshold, err
}

// deliveries are what a receiver is told of an event of its wallet.
func (f *Follower) deliveries(e *eventstore.Event, r receiver) ([]fresh, error) {
	event, err := f.decode(e)
	if err != nil {
		return nil, err
	}
	var all []fresh
	for _, m := range translate(event, Source{WalletID: r.wallet, Shard: e.Shard, Position: e.Position}, e.RecordedAt, r.settings.BalanceThreshold) {
		if !r.settings.wants(m.Type) {
			continue
		}
		body, err := m.encode()
		if err != nil {
			return nil, fmt.Errorf("position %d: %w", e.Position, err)
		}
		all = append(all, fresh{
			id: DeliveryID(r.id, e.Shard, e.Position, m.Type, e.RecordedAt), webhook: r.id, position: e.Position, kind: m.Type,
			at: m.Timestamp, body: body,
		})
	}
	return all, nil
}

func (f *Follower) decode(e *eventstore.Event) (domain.Event, error) {
	event, err := f.registry.Decode(e.Type, e.Body)
	if err != nil {
		return nil, fmt.Errorf("position %d: %w: %w", e.Position, errUndecodable, err)
	}
	return event, nil
}

// again says what happens to deliveries that are there already.
type again int

const (
	nothing   again = iota // they stay as they are
	failed                 // those that failed are tried again
	delivered              // all that are finished are sent again
)

// insert makes deliveries due and says how many. The queues are locked first, in order.
func insert(ctx context.Context, tx pgx.Tx, batch []fresh, now time.Time, present again, by ...string) (int, error) {
	if len(batch) == 0 {
		return 0, nil
	}
	var webhooks []uuid.UUID
	for _, d := range batch {
		webhooks = append(webhooks, d.webhook)
	}
	slices.SortFunc(webhooks, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	webhooks = slices.Compact(webhooks)
	if _, err := tx.Exec(ctx, lockQueues, webhooks); err != nil {
		return 0, fmt.Errorf("lock the queues: %w", err)
	}
	slices.SortFunc(batch, func(a, b fresh) int { return cmp.Compare(a.position, b.position) })
	var c columns
	for _, d := range batch {
		c.add(d)
	}
	replayedBy := ""
	if len(by) > 0 {
		replayedBy = by[0]
	}
	tag, err := tx.Exec(ctx, insertDeliveries, c.ids, c.webhooks, shard, c.positions, c.types, c.times, c.bodies, now, now.Add(GiveUpAfter),
		present >= failed, present >= delivered, replayedBy)
	if err != nil {
		return 0, fmt.Errorf("write the deliveries: %w", err)
	}
	if _, err := tx.Exec(ctx, `UPDATE webhooks.queues SET due_at = least(due_at, greatest($2, coalesce(rest_until, $2))) WHERE webhook_id = ANY($1)`, webhooks, now); err != nil {
		return 0, fmt.Errorf("mark the queues: %w", err)
	}
	return int(tag.RowsAffected()), nil
}

const lockQueues = `SELECT FROM webhooks.queues WHERE webhook_id = ANY($1) ORDER BY webhook_id FOR NO KEY UPDATE`

const insertDeliveries = `
	INSERT INTO webhooks.deliveries AS d (id, webhook_id, shard, position, type, event_at, body, state, armed_at, due_at, give_up_at, replayed_by)
	SELECT id, webhook_id, $3::smallint, position, type, event_at, body, 'pending', $8::timestamptz, $8, $9::timestamptz, $12::text
	FROM unnest($1::uuid[], $2::uuid[], $4::bigint[], $5::text[], $6::timestamptz[], $7::bytea[]) WITH ORDINALITY
		AS t(id, webhook_id, position, type, event_at, body, n) ORDER BY n
	ON CONFLICT (id) DO UPDATE SET state = 'pending', tries = 0, armed_at = $8, due_at = $8, give_up_at = $9, finished_at = NULL, replayed_by = $12
	WHERE (d.state = 'failed' AND $10::boolean) OR (d.state = 'delivered' AND $11::boolean)`

// columns are deliveries side by side.
type columns struct {
	ids, webhooks []uuid.UUID
	positions     []int64
	types         []string
	times         []time.Time
	bodies        [][]byte
}

func (c *columns) add(d fresh) {
	c.ids, c.webhooks, c.positions = append(c.ids, d.id), append(c.webhooks, d.webhook), append(c.positions, d.position)
	c.types, c.times, c.bodies = append(c.types, string(d.kind)), append(c.times, d.at), append(c.bodies, d.body)
}
