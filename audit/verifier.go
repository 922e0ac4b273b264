package audit

import (
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/charge"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
)

// verifier is the part that needs the events before: it runs in one goroutine, in the log's order.
type verifier struct {
	findings *Findings
	state    State
	types    map[string]int64
	first    time.Time
	shard    int16
	runStart int64 // first position of the events that have the last recorded_at: a commit lies within one run

	house   map[account]money.Amount // balances of the accounts that are neither wallets nor holds
	trial   map[money.Currency]money.Amount
	expired []*Hold // in the order of their expiry
	events  int64
	partial bool // the log does not begin at position 1

	ofSpend [2]*Spend        // of the event under way
	current Step             // of the event under way
	lines   []usage.LineItem // of the charge under way
}

type account struct {
	name     money.Account
	currency money.Currency
}

func newVerifier(findings *Findings, after int64) *verifier {
	return &verifier{
		findings: findings, types: map[string]int64{}, partial: after > 0,
		house: map[account]money.Amount{}, trial: map[money.Currency]money.Amount{},
		state: State{
			Position: after, Streams: map[domain.StreamID]*Stream{}, Wallets: map[[16]byte]*Wallet{},
			endpoints: map[string]*endpoint{}, Keys: map[[16]byte]*Key{}, Apps: map[[16]byte]*App{}, Spends: map[[16]byte]*Spend{}, Members: map[MemberID]*Member{}, Holds: map[[16]byte]*Hold{},
			Charges: map[[16]byte]*Charge{},
		},
	}
}

// step verifies and folds the next event.
func (v *verifier) step(e *inspected) *Step {
	for _, found := range e.findings {
		v.findings.Add(found)
	}
	v.checkOrder(e.row)
	v.state.tree.add(e.leaf)
	v.types[e.row.Type]++
	stream := v.checkStream(e.row)
	v.current = Step{Row: e.row, Data: e.data, Leaf: e.leaf, State: &v.state, Currency: e.currency, Entry: e.entry, Documents: e.parts}
	s := &v.current
	if v.partial {
		return s
	}
	v.forgetExpired(e.row.RecordedAt)
	switch data := e.data.(type) {
	case wallet.Event:
		v.wallet(s, stream, data)
	case apikey.Event:
		v.key(s, stream, data)
	case app.Event:
		v.app(s, stream, data)
	case catalog.Event:
		v.catalog(s, stream, data)
	case charge.Event:
		v.charge(s, data)
	default: // it does not decode
		if stream.wallet != nil {
			stream.wallet.drift = drift{unknown: true}
			stream.wallet.Position = e.row.Position
		}
	}
	return s
}

// checkOrder checks position, shard and time against the event before.
func (v *verifier) checkOrder(row *eventstore.Event) {
	want := v.state.Position + 1
	switch {
	case row.Position > want:
		v.report1(row, PositionMissing, "positions %d to %d are missing", want, row.Position-1)
	case row.Position < want:
		v.report1(row, PositionRepeated, "position %d comes after %d", row.Position, v.state.Position)
	}
	if v.events == 0 {
		v.shard, v.first, v.runStart = row.Shard, row.RecordedAt, row.Position
	}
	if row.Shard != v.shard {
		v.report1(row, ShardMixed, "an event of shard %d in the log of shard %d", row.Shard, v.shard)
	}
	switch {
	case row.RecordedAt.Before(v.state.RecordedAt):
		v.report1(row, RecordedBack, "recorded at %s, the event before at %s", stamp(row.RecordedAt), stamp(v.state.RecordedAt))
		v.runStart = row.Position
	case row.RecordedAt.After(v.state.RecordedAt):
		v.runStart = row.Position
	}
	v.events++
	v.state.Position, v.state.RecordedAt, v.state.EventID = row.Position, row.RecordedAt, row.EventID
}

// checkStream checks that the event is the next of its stream.
func (v *verifier) checkStream(row *eventstore.Event) *Stream {
	stream, known := v.state.Streams[row.StreamID]
	if !known {
		stream = &Stream{First: row.Position, Earliest: v.runStart}
		if v.partial {
			stream.Version = row.StreamVersion - 1
		}
		v.state.Streams[row.StreamID] = stream
	}
	if row.StreamVersion != stream.Version+1 {
		v.report1(row, StreamVersion, "version %d of the stream follows version %d", row.StreamVersion, stream.Version)
	}
	stream.Version = row.StreamVersion
	return stream
}

// report1 adds a finding about an event.
func (v *verifier) report1(row *eventstore.Event, code Code, format string, args ...any) {
	v.findings.Addf(row.Position, code, string(row.StreamID), format, args...)
}

// want adds a finding unless something holds.
func (v *verifier) want(ok bool, s *Step, code Code, format string, args ...any) {
	if !ok {
		v.report1(s.Row, code, format, args...)
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
