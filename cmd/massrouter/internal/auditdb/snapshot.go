package auditdb

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/wallet"
)

// snapshots compares ledger.snapshots with the folded streams: the state of each stream that has one is kept until the
// snapshot's version, then only its hash.
type snapshots struct {
	s        *session
	findings *audit.Findings
	table    Table
	wanted   map[domain.StreamID]*folding
}

// folding is one stream on the way to its snapshot's version.
type folding struct {
	version  int64
	state    domain.Aggregate // nil once the version was reached
	hash     [32]byte
	position int64 // of the event of that version; 0: not reached
}

// schema is the one number of encodings so far.
const schema = 1

func newSnapshots(ctx context.Context, s *session, findings *audit.Findings) (comparer, error) {
	c := &snapshots{s: s, findings: findings, table: Table{Name: "ledger.snapshots"}, wanted: map[domain.StreamID]*folding{}}
	return c, s.each(ctx, `SELECT stream_id, version FROM ledger.snapshots WHERE shard = $1`, func(r *row) {
		id := streamID(r.text(0))
		c.wanted[id] = &folding{version: r.int64(1), state: aggregate(id)}
	}, s.shard)
}

// aggregate is a stream before its first event; nil for a kind that there is not.
func aggregate(id domain.StreamID) domain.Aggregate {
	switch id.Kind() {
	case wallet.Kind:
		return wallet.New()
	case apikey.Kind:
		return apikey.New()
	case app.Kind:
		return app.New()
	case catalog.KindVendor:
		return &catalog.VendorState{}
	case catalog.KindModel:
		return &catalog.ModelState{}
	case catalog.KindEndpoint:
		return &catalog.EndpointState{}
	}
	return nil
}

func (c *snapshots) tables() []Table { return []Table{c.table} }

func (*snapshots) close() {}

// Observe folds an event.
func (c *snapshots) Observe(_ context.Context, step *audit.Step) error {
	f, ok := c.wanted[step.Row.StreamID]
	if !ok || f.state == nil || step.Data == nil {
		return nil
	}
	f.state.Apply(step.Data, step.Row.RecordedAt)
	if step.Row.StreamVersion != f.version {
		return nil
	}
	state, err := json.Marshal(f.state)
	if err != nil {
		c.findings.Addf(step.Row.Position, RowDiffers, c.table.Name+" "+string(step.Row.StreamID), "the stream cannot be folded: %v", err)
	}
	f.state, f.hash, f.position = nil, sha256.Sum256(state), step.Row.Position
	return nil
}

// End compares the rows.
func (c *snapshots) End(ctx context.Context, state *audit.State) error {
	c.table.Position = state.Position
	return c.s.each(ctx, `SELECT stream_id, version, position, schema, state, shard FROM ledger.snapshots`, func(r *row) {
		id, version, position := streamID(r.text(0)), r.int64(1), r.int64(2)
		c.table.Rows++
		d := &diff{c.findings, position, c.table.Name, func() string { return string(id) }}
		f, ok := c.wanted[id]
		if !ok || f.position == 0 || r.int16(5) != c.s.shard {
			d.report(RowExtra, "the stream has no version %d in shard %d", version, c.s.shard)
			return
		}
		same(d, "position", position, f.position)
		same(d, "schema", r.int16(3), schema)
		if hash := sha256.Sum256(r.values[4]); hash != f.hash {
			d.report(RowDiffers, "the state at version %d is not the fold of the events: its hash is %s instead of %s",
				version, fmt.Sprintf("%x", hash[:6]), fmt.Sprintf("%x", f.hash[:6]))
		}
	})
}
