// Package commands has the use cases that change the ledger, one file each; a command is plain data, and this file
// lists how it gets to the log. Every command has an id: the same id with the same input gives the first outcome again.
//
// Wallet: open_wallet, top_up, grant, adjust. Holds: place_hold, extend_hold, settle_hold, release_hold, expire_hold,
// sweep_holds. Charges: correct_charge, review_charge. Keys: issue_key, update_key, change_key, rotate_key, disable_key, enable_key, revoke_key, report_leak, bind_app. Apps: register_app,
// update_app, archive_app. Catalogue: publish_vendor, publish_model, publish_endpoint, publish_price.
package commands

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/charge"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
)

// Meta says who sends a command and why. Actor is an id with its kind, for example "key:<uuid>" or "system:sweeper".
type Meta struct {
	CommandID     uuid.UUID
	Actor         string
	CorrelationID uuid.UUID // the request that started it all
	CausationID   uuid.UUID // what led to this command directly
}

// Receipt is where and when a command was recorded.
type Receipt struct {
	Position   int64 // of its last event; of the head when it wrote none
	RecordedAt time.Time
	Replayed   bool // the outcome is that of an earlier call with the same id
}

// Done is the result of a command that has nothing else to say.
type Done struct{}

// Balance is a wallet's balances after a command.
type Balance struct {
	Posted    money.Amount `json:"posted"`
	Held      money.Amount `json:"held"`
	Available money.Amount `json:"available"`
}

func balanceOf(b wallet.Balances) Balance {
	return Balance{Posted: b.Posted, Held: b.Held, Available: b.Posted.Sub(b.Held)}
}

// Options of an App. Zero values take the executor's defaults.
type Options struct {
	Queue     int
	Batch     int
	OnBatch   func(commands, events int, took time.Duration)          // one at a time
	OnCommand func(name string, code domain.Code, took time.Duration) // many at a time
	Logger    zerolog.Logger
}

// App is every use case of one process. Its methods are safe for concurrent use while Run is running.
type App struct {
	exec     *executor.Executor
	log      eventstore.Appender
	registry *domain.Registry
}

const (
	walletSnapshotEvery  = 256
	catalogSnapshotEvery = 64
)

// Registry has every event of the product.
func Registry() (*domain.Registry, error) {
	return domain.NewRegistry(wallet.Events(), apikey.Events(), app.Events(), catalog.Events(), charge.Events())
}

// New wires the use cases to a store.
func New(store eventstore.Appender, o Options) (*App, error) {
	registry, err := Registry()
	if err != nil {
		return nil, err
	}
	return &App{log: store, registry: registry, exec: executor.New(store, executor.Options{
		Kinds: map[string]executor.Kind{
			wallet.Kind:          {New: func() domain.Aggregate { return wallet.New() }, SnapshotEvery: walletSnapshotEvery, Schema: 1},
			apikey.Kind:          {New: func() domain.Aggregate { return apikey.New() }},
			app.Kind:             {New: func() domain.Aggregate { return app.New() }},
			charge.Kind:          {New: func() domain.Aggregate { return charge.New() }},
			catalog.KindVendor:   {New: func() domain.Aggregate { return &catalog.VendorState{} }},
			catalog.KindModel:    {New: func() domain.Aggregate { return &catalog.ModelState{} }},
			catalog.KindEndpoint: {New: func() domain.Aggregate { return &catalog.EndpointState{} }, SnapshotEvery: catalogSnapshotEvery, Schema: 1},
		},
		Registry: registry, Queue: o.Queue, Batch: o.Batch, OnBatch: o.OnBatch, OnCommand: o.OnCommand, Logger: o.Logger,
	})}, nil
}

// Run records commands until ctx ends, then finishes those that were accepted.
func (a *App) Run(ctx context.Context) error { return a.exec.Run(ctx) }

// Ready says whether the ledger can commit now: a command that does nothing goes the way of all others, up to finding
// the head of the log where it was expected or locking it.
func (a *App) Ready(ctx context.Context) error {
	res := a.exec.Do(ctx, &executor.Request{
		ID: uuid.New(), Name: "ready", Forgets: func(domain.Code) bool { return true },
		Decide: func(*executor.Decision) (any, error) { return nil, errReady },
	})
	if domain.CodeOf(res.Err) == errReady.Code {
		return nil
	}
	return res.Err
}

// errReady refuses the probe, so that it leaves nothing in the log.
var errReady = domain.Errorf("ready", "the ledger answers")

// useCase is a command with its decision. streams names every aggregate that decide looks at; decide appends only
// after nothing can refuse any more.
//
// The log keeps a hash of the command's name and JSON, and a retry may come from a newer program than the first try.
// So both are frozen (testdata/inputs.txt), down to the domain types that commands contain: nothing is renamed,
// reordered or dropped, and a new field is omitempty or omitzero, which leaves the hash of inputs without it as it was.
type useCase[R any] interface {
	name() string
	streams() []domain.StreamID
	decide(d *executor.Decision) (R, error)
}

// forgetful use cases leave no trace of some refusals; see executor.Request.
type forgetful interface{ forgets(domain.Code) bool }

// do sends one command through the executor. It is the only way to the log.
func do[R any](ctx context.Context, a *App, m Meta, c useCase[R]) (R, Receipt, error) {
	var zero R
	if m.CommandID == uuid.Nil {
		return zero, Receipt{}, domain.Errorf(domain.CodeInvalid, "a command needs an id")
	}
	hash, err := inputHash(c.name(), c)
	if err != nil {
		return zero, Receipt{}, domain.Errorf(domain.CodeInvalid, "the command cannot be encoded").Wrap(err)
	}
	r := &executor.Request{
		ID: m.CommandID, Name: c.name(), InputHash: hash,
		Actor: m.Actor, CorrelationID: m.CorrelationID, CausationID: m.CausationID,
		Streams: c.streams(), Decide: func(d *executor.Decision) (any, error) { return c.decide(d) },
	}
	if f, ok := c.(forgetful); ok {
		r.Forgets = f.forgets
	}
	r.Note = noteOf(ctx, m, c.name(), c)
	res := a.exec.Do(ctx, r)
	if res.Err == nil && !res.Replayed && r.Note != nil {
		trail.From(ctx).Note(trail.Done)
	}
	receipt := Receipt{Position: res.Position, RecordedAt: res.RecordedAt, Replayed: res.Replayed}
	if res.Err != nil {
		return zero, receipt, res.Err
	}
	if value, ok := res.Value.(R); ok {
		return value, receipt, nil
	}
	if err := json.Unmarshal(res.Stored, &zero); err != nil {
		return zero, receipt, domain.Errorf(domain.CodeInternal, "the recorded outcome cannot be read").Wrap(err)
	}
	return zero, receipt, nil
}

// inputHash identifies what a command asked for, whoever sent it: the SHA-256 of its name and, right after it, its JSON.
func inputHash(name string, c any) ([32]byte, error) {
	input, err := domain.AppendJSON(append(make([]byte, 0, usualInput), name...), c)
	if err != nil {
		return [32]byte{}, err
	}
	return sha256.Sum256(input), nil
}

// usualInput has room, in bytes, for what the commands of a call are hashed from.
const usualInput = 768

// state is the aggregate of a stream as its own type. Another type is a bug, and fails the command.
func state[S domain.Aggregate](d *executor.Decision, id domain.StreamID) S {
	s, ok := d.Get(id).(S)
	if !ok {
		panic(fmt.Sprintf("stream %s is not a %T", id, s))
	}
	return s
}
