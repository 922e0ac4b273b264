package translog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/mod/sumdb/note"

	"github.com/massrouter/massrouter/audit"
)

// Signed is a checkpoint with its note.
type Signed struct {
	audit.Checkpoint

	Note     []byte    // the signed note, as it was published
	SignedAt time.Time // by the database's clock
}

// querier is a pool or a connection.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Reader reads a transparency log out of the database; it needs no key, and works on a read replica. It implements
// audit.Tiles.
type Reader struct {
	db     querier
	shard  int16
	origin string
}

// NewReader makes a reader of one shard's log.
func NewReader(pool *pgxpool.Pool, shard int16, origin string) *Reader {
	return &Reader{db: pool, shard: shard, origin: origin}
}

var _ audit.Tiles = (*Reader)(nil)

// Newest is the newest checkpoint; nil when there is none.
func (r *Reader) Newest(ctx context.Context) (*Signed, error) {
	return r.checkpoint(ctx, `SELECT origin, size, root, note, signed_at FROM ledger.log_checkpoints
		WHERE shard = $1 AND origin = $2 ORDER BY size DESC LIMIT 1`)
}

// First is the oldest checkpoint that covers a position; nil when there is none yet.
func (r *Reader) First(ctx context.Context, position int64) (*Signed, error) {
	return r.checkpoint(ctx, `SELECT origin, size, root, note, signed_at FROM ledger.log_checkpoints
		WHERE shard = $1 AND origin = $2 AND size >= $3 ORDER BY size LIMIT 1`, position)
}

// Await returns the newest checkpoint once it covers a position; somebody else makes it. With a folder it waits until
// that has the checkpoint, too.
func (r *Reader) Await(ctx context.Context, position int64, dir string, key note.Verifier) (Signed, error) {
	for {
		newest, err := r.Newest(ctx)
		if err != nil {
			return Signed{}, err
		}
		if newest != nil && newest.Size >= position {
			if dir == "" {
				return *newest, nil
			}
			there, err := outside(ctx, audit.Folder(dir), key)
			if err != nil || sizeOf(there) >= position {
				return *newest, err
			}
		}
		if err := pause(ctx, lookAgain); err != nil {
			return Signed{}, fmt.Errorf("wait for a checkpoint of position %d: %w", position, err)
		}
	}
}

func (r *Reader) checkpoint(ctx context.Context, sql string, args ...any) (*Signed, error) {
	var s Signed
	var root []byte
	err := r.db.QueryRow(ctx, sql, append([]any{r.shard, r.origin}, args...)...).Scan(&s.Origin, &s.Size, &root, &s.Note, &s.SignedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // none was made yet
	}
	if err != nil {
		return nil, fmt.Errorf("read a checkpoint: %w", err)
	}
	copy(s.Root[:], root)
	s.SignedAt = s.SignedAt.UTC()
	return &s, nil
}

// Checkpoint implements audit.Tiles.
func (r *Reader) Checkpoint(ctx context.Context) ([]byte, error) {
	newest, err := r.Newest(ctx)
	if err != nil {
		return nil, err
	}
	if newest == nil {
		return nil, fmt.Errorf("no checkpoint was made yet: %w", fs.ErrNotExist)
	}
	return newest.Note, nil
}

// Tile implements audit.Tiles. Partial tiles are made of the events, or of the roots of the tiles below.
func (r *Reader) Tile(ctx context.Context, level int, index int64, width int) ([]byte, error) {
	var data []byte
	var err error
	switch {
	case width < 1 || width > audit.TileWidth || level < 0 || level > maxLevel || index < 0:
		return nil, fmt.Errorf("there is no tile of level %d, index %d, width %d: %w", level, index, width, fs.ErrNotExist)
	case width == audit.TileWidth:
		data, err = r.full(ctx, level, index)
	case level == 0:
		data, err = r.hashes(ctx, `SELECT leaf_hash FROM ledger.events WHERE shard = $1 AND position > $2 AND position <= $3
			ORDER BY position`, r.shard, index*audit.TileWidth, index*audit.TileWidth+int64(width))
	default:
		data, err = r.hashes(ctx, `SELECT root FROM ledger.log_tiles WHERE shard = $1 AND level = $4 AND index >= $2 AND index < $3
			ORDER BY index`, r.shard, index*audit.TileWidth, index*audit.TileWidth+int64(width), level-1)
	}
	if err != nil {
		return nil, fmt.Errorf("read the tile %s: %w", audit.TilePath(level, index, width), err)
	}
	if len(data) != width*hashSize {
		return nil, fmt.Errorf("the tile %s is not stored: %w", audit.TilePath(level, index, width), fs.ErrNotExist)
	}
	return data, nil
}

func (r *Reader) full(ctx context.Context, level int, index int64) ([]byte, error) {
	var data []byte
	err := r.db.QueryRow(ctx, `SELECT hashes FROM ledger.log_tiles WHERE shard = $1 AND level = $2 AND index = $3`, r.shard, level, index).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return data, err
}

func (r *Reader) hashes(ctx context.Context, sql string, args ...any) ([]byte, error) {
	rows, err := r.db.Query(ctx, sql, args...) //nolint:rowserrcheck // ForEachRow asks and closes
	if err != nil {
		return nil, err
	}
	data := make([]byte, 0, audit.TileWidth*hashSize)
	var hash []byte
	_, err = pgx.ForEachRow(rows, []any{&hash}, func() error {
		data = append(data, hash...)
		return nil
	})
	return data, err
}
