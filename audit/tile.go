package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	// TileHeight is that of C2SP tlog-tiles.
	TileHeight = 8
	// TileWidth is the number of hashes of a full tile.
	TileWidth = 1 << TileHeight

	maxLevel = 7 // of tiles: 256^8 leaves are more than positions reach
)

// Tiles reads a log in the layout of C2SP tlog-tiles. What it returns is not believed before it was verified.
type Tiles interface {
	// Checkpoint is the newest signed checkpoint. The error is fs.ErrNotExist when nothing was published yet.
	Checkpoint(ctx context.Context) ([]byte, error)
	// Tile is width (1 to 256) hashes of a tile, 32 bytes each. The error is fs.ErrNotExist when there is no such tile; a
	// partial tile that is gone is to be read from its full one.
	Tile(ctx context.Context, level int, index int64, width int) ([]byte, error)
}

// TilePath is where a tile lies below the log's address: tile/LEVEL/INDEX, with the index in groups of three digits, all
// but the last after an x; and .p/WIDTH for a partial one.
func TilePath(level int, index int64, width int) string {
	path := tlog.Tile{H: TileHeight, L: level, N: index, W: width}.Path()
	return "tile/" + strings.TrimPrefix(path, fmt.Sprintf("tile/%d/", TileHeight))
}

// CheckpointPath is where the newest checkpoint lies below the log's address.
const CheckpointPath = "checkpoint"

// Folder is a log in a local folder.
type Folder string

// Checkpoint implements Tiles.
func (f Folder) Checkpoint(context.Context) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(f), CheckpointPath))
}

// Tile implements Tiles.
func (f Folder) Tile(_ context.Context, level int, index int64, width int) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(string(f), filepath.FromSlash(TilePath(level, index, width))))
	if errors.Is(err, fs.ErrNotExist) && width < TileWidth {
		data, err = os.ReadFile(filepath.Join(string(f), filepath.FromSlash(TilePath(level, index, TileWidth))))
		if err == nil && len(data) == TileWidth*tlog.HashSize {
			data = data[:width*tlog.HashSize]
		}
	}
	return data, err
}

// tiles makes Tiles a tlog.TileReader.
type tiles struct {
	ctx context.Context //nolint:containedctx // tlog's interface has none, and a reader lives for one call
	log Tiles
}

// Height implements tlog.TileReader.
func (tiles) Height() int { return TileHeight }

// ReadTiles implements tlog.TileReader.
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(wanted))
	for i, w := range wanted {
		data, err := t.log.Tile(t.ctx, w.L, w.N, w.W)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", TilePath(w.L, w.N, w.W), err)
		}
		if len(data) != w.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes, not %d", TilePath(w.L, w.N, w.W), len(data), w.W*tlog.HashSize)
		}
		out[i] = data
	}
	return out, nil
}

// SaveTiles implements tlog.TileReader.
func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// hashes reads hashes of the tree of a checkpoint, each proved to be in it.
func hashes(ctx context.Context, log Tiles, c Checkpoint) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: c.Root}, tiles{ctx, log})
}

// HashTile is the root of a full tile: the hash that stands for it one level up.
func HashTile(data []byte) [32]byte {
	if len(data) == tlog.HashSize {
		return [32]byte(data)
	}
	half := len(data) / 2
	return node(HashTile(data[:half]), HashTile(data[half:]))
}
