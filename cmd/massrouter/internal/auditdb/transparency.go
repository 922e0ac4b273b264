package auditdb

import (
	"bytes"
	"context"
	"fmt"
	"math"

	"github.com/massrouter/massrouter/audit"
)

const (
	logTiles       = "ledger.log_tiles"
	logCheckpoints = "ledger.log_checkpoints"
	tileLevels     = 8
	hashSize       = 32
)

// transparency compares the tiles and checkpoints of the transparency log with the events. Signatures need a key, which
// is not in the database: 'audit verify-tiles' and receipts verify them.
type transparency struct {
	s           *session
	findings    *audit.Findings
	tiles       *cursor[tileRow]
	checkpoints *cursor[checkpointRow]
	covered     int64 // by the newest checkpoint: tiles up to it have to be there
	edge        [tileLevels][]byte
	position    int64
}

type tileRow struct {
	level        int16
	index        int64
	hashes, root []byte
}

// end is the position of the tile's last leaf.
func (t tileRow) end() int64 {
	if t.index >= math.MaxInt64>>(8*(t.level+1)) {
		return math.MaxInt64
	}
	return (t.index + 1) << (8 * (t.level + 1))
}

type checkpointRow struct {
	origin     string
	size       int64
	root, note []byte
}

func newTransparency(ctx context.Context, s *session, findings *audit.Findings) (comparer, error) {
	t := &transparency{s: s, findings: findings}
	err := s.side.QueryRow(ctx, `SELECT coalesce(max(size), 0) FROM ledger.log_checkpoints WHERE shard = $1`, s.shard).Scan(&t.covered)
	if err != nil {
		return nil, fmt.Errorf("read the newest checkpoint: %w", err)
	}
	t.tiles, err = openCursor(ctx, s, logTiles, `SELECT level, index, hashes, root FROM ledger.log_tiles WHERE shard = $1
		ORDER BY (index + 1.0) * 256::numeric ^ (level + 1), level`,
		func(r *row) tileRow { return tileRow{r.int16(0), r.int64(1), r.bytes(2), r.bytes(3)} }, s.shard)
	if err != nil {
		return nil, err
	}
	t.checkpoints, err = openCursor(ctx, s, logCheckpoints, `SELECT origin, size, root, note FROM ledger.log_checkpoints WHERE shard = $1
		ORDER BY size, origin`, func(r *row) checkpointRow { return checkpointRow{r.text(0), r.int64(1), r.bytes(2), r.bytes(3)} }, s.shard)
	if err != nil {
		t.tiles.close()
		return nil, err
	}
	return t, t.compareCheckpoints(0, (&audit.Tree{}).Root())
}

func (t *transparency) tables() []Table {
	return []Table{{Name: logTiles, Rows: t.tiles.passed, Position: t.position}, {Name: logCheckpoints, Rows: t.checkpoints.passed, Position: t.position}}
}

func (t *transparency) close() {
	t.tiles.close()
	t.checkpoints.close()
}

// Observe adds a leaf; the tiles and checkpoints that end with it are compared.
func (t *transparency) Observe(_ context.Context, step *audit.Step) error {
	t.position++
	t.edge[0] = append(t.edge[0], step.Leaf[:]...)
	for level := 0; level < len(t.edge) && len(t.edge[level]) == audit.TileWidth*hashSize; level++ {
		hash := step.State.TileRoot()
		if level > 0 {
			hash = audit.HashTile(t.edge[level])
		}
		want := tileRow{level: int16(level), index: t.position>>(8*(level+1)) - 1, hashes: t.edge[level], root: hash[:]}
		if err := t.compareTile(want); err != nil {
			return err
		}
		t.edge[level] = t.edge[level][:0]
		if level+1 < len(t.edge) {
			t.edge[level+1] = append(t.edge[level+1], hash[:]...)
		}
	}
	if t.checkpoints.more && t.checkpoints.head.size <= t.position {
		return t.compareCheckpoints(t.position, step.State.Root())
	}
	return nil
}

func (t *transparency) tile(r tileRow) *diff {
	return &diff{t.findings, min(r.end(), t.position), logTiles, func() string { return fmt.Sprintf("level %d index %d", r.level, r.index) }}
}

func (t *transparency) compareTile(want tileRow) error {
	for t.tiles.more {
		head := t.tiles.head
		if head.level == want.level && head.index == want.index {
			if !bytes.Equal(head.hashes, want.hashes) {
				t.tile(want).report(RowDiffers, "hashes are not those of the events")
			}
			if !bytes.Equal(head.root, want.root) {
				t.tile(want).report(RowDiffers, "root is %x, the events give %x", head.root, want.root)
			}
			_, err := t.tiles.take()
			return err
		}
		if head.end() > want.end() || head.end() == want.end() && head.level > want.level {
			break
		}
		t.tile(head).report(RowExtra, "no such tile is full there")
		if _, err := t.tiles.take(); err != nil {
			return err
		}
	}
	if want.end() <= t.covered {
		t.tile(want).report(RowMissing, "a checkpoint of %d events was signed", t.covered)
	}
	return nil
}

// compareCheckpoints compares all checkpoints of a size.
func (t *transparency) compareCheckpoints(size int64, root [hashSize]byte) error {
	for t.checkpoints.more && t.checkpoints.head.size <= size {
		head, err := t.checkpoints.take()
		if err != nil {
			return err
		}
		d := t.checkpoint(head)
		if !bytes.Equal(head.root, root[:]) {
			d.report(RowDiffers, "root is %x, the events give %x", head.root, root)
		}
		text := audit.Checkpoint{Origin: head.origin, Size: head.size, Root: root}.Text()
		if !bytes.HasPrefix(head.note, []byte(text+"\n")) {
			d.report(RowDiffers, "note is not that of the events' root")
		}
	}
	return nil
}

func (t *transparency) checkpoint(r checkpointRow) *diff {
	return &diff{t.findings, min(r.size, t.position), logCheckpoints, func() string { return fmt.Sprintf("%s size %d", r.origin, r.size) }}
}

// End wants nothing to be left.
func (t *transparency) End(ctx context.Context, _ *audit.State) error {
	for t.tiles.more {
		t.tile(t.tiles.head).report(RowExtra, "the log ends at position %d", t.position)
		if _, err := t.tiles.take(); err != nil {
			return err
		}
	}
	for t.checkpoints.more {
		t.checkpoint(t.checkpoints.head).report(RowExtra, "the log ends at position %d", t.position)
		if _, err := t.checkpoints.take(); err != nil {
			return err
		}
	}
	for _, table := range []string{logTiles, logCheckpoints} {
		var foreign bool
		err := t.s.side.QueryRow(ctx, `SELECT EXISTS (SELECT FROM `+table+` WHERE shard <> $1)`, t.s.shard).Scan(&foreign)
		if err != nil {
			return fmt.Errorf("look for other shards in %s: %w", table, err)
		}
		if foreign {
			t.findings.Addf(t.position, RowExtra, table, "there are rows of another shard than %d", t.s.shard)
		}
	}
	return nil
}
