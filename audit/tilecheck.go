package audit

import (
	"context"
	"crypto/sha256"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// TileReport is what reading a whole log in tiles has shown.
type TileReport struct {
	Checkpoint Checkpoint `json:"checkpoint"`
	Root       string     `json:"root"` // of the checkpoint, base64
	Tiles      int64      `json:"tiles"`
	Wrong      []string   `json:"wrong"` // paths of the tiles (or the checkpoint) that are not what they have to be
}

// VerifyTiles reads every tile of a log's newest checkpoint, computes the tree from the leaf hashes anew, and names what
// does not agree with it or with the signed root. The error says that something could not be read, or that the checkpoint
// is not signed by the log.
func VerifyTiles(ctx context.Context, log Tiles, key note.Verifier) (*TileReport, error) {
	signed, err := log.Checkpoint(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the checkpoint: %w", err)
	}
	c, err := OpenCheckpoint(signed, key)
	if err != nil {
		return nil, err
	}
	r := &TileReport{Checkpoint: c, Root: c.RootText(), Wrong: []string{}}
	v := tileCheck{ctx: ctx, log: log, report: r}
	var all tree
	below, err := v.leaves(&all)
	if err != nil {
		return nil, err
	}
	leavesAgree := all.root() == c.Root
	for level := 1; level <= maxLevel && len(below) > 0; level++ {
		if below, err = v.level(level, below, leavesAgree); err != nil {
			return nil, err
		}
	}
	if !leavesAgree && len(r.Wrong) == 0 {
		last := TilePath(0, (c.Size-1)/TileWidth, int((c.Size-1)%TileWidth)+1)
		if c.Size%TileWidth == 0 {
			last = CheckpointPath
		}
		r.Wrong = append(r.Wrong, last)
	}
	return r, nil
}

type tileCheck struct {
	ctx    context.Context //nolint:containedctx // lives for one call
	log    Tiles
	report *TileReport
}

func (v *tileCheck) read(level int, index int64, width int) ([]byte, error) {
	data, err := v.log.Tile(v.ctx, level, index, width)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", TilePath(level, index, width), err)
	}
	v.report.Tiles++
	return data, nil
}

// leaves reads the lowest level and returns the roots of its full tiles.
func (v *tileCheck) leaves(all *tree) (roots [][32]byte, err error) {
	for from := int64(0); from < v.report.Checkpoint.Size; from += TileWidth {
		width := int(min(TileWidth, v.report.Checkpoint.Size-from))
		data, err := v.read(0, from/TileWidth, width)
		if err != nil {
			return nil, err
		}
		if len(data) != width*sha256.Size {
			v.wrong(0, from/TileWidth, width)
			data = make([]byte, width*sha256.Size)
		}
		for i := range width {
			all.add([32]byte(data[i*sha256.Size:]))
		}
		if width == TileWidth {
			roots = append(roots, HashTile(data))
		}
	}
	return roots, nil
}

// level compares a level with the roots of the full tiles below it, and returns the roots of its own full tiles. When the
// leaves lead to the signed root, a difference is this level's fault; else that of the tile below.
func (v *tileCheck) level(level int, below [][32]byte, leavesAgree bool) (roots [][32]byte, err error) {
	for from := 0; from < len(below); from += TileWidth {
		width := min(TileWidth, len(below)-from)
		index := int64(from / TileWidth)
		data, err := v.read(level, index, width)
		if err != nil {
			return nil, err
		}
		expected := make([]byte, 0, width*sha256.Size)
		for _, h := range below[from : from+width] {
			expected = append(expected, h[:]...)
		}
		v.compare(level, index, expected, data, leavesAgree)
		if width == TileWidth {
			roots = append(roots, HashTile(expected))
		}
	}
	return roots, nil
}

func (v *tileCheck) compare(level int, index int64, expected, data []byte, leavesAgree bool) {
	width := len(expected) / sha256.Size
	if len(data) != len(expected) {
		v.wrong(level, index, width)
		return
	}
	for i := range width {
		at := i * sha256.Size
		if [32]byte(expected[at:]) == [32]byte(data[at:]) {
			continue
		}
		if leavesAgree || level > 1 {
			if leavesAgree {
				v.wrong(level, index, width)
				return
			}
			continue // what is wrong was named one level down
		}
		v.wrong(0, index*TileWidth+int64(i), TileWidth)
	}
}

func (v *tileCheck) wrong(level int, index int64, width int) {
	v.report.Wrong = append(v.report.Wrong, TilePath(level, index, width))
}
