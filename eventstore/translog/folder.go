package translog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/massrouter/massrouter/audit"
)

// Everybody may read the folder: it is there to be served.
const (
	fileMode   = 0o644
	folderMode = 0o755
)

// publish brings the folder to a recorded checkpoint: first all tiles that it needs, then itself.
func (o *owner) publish(ctx context.Context, signed Signed) error {
	if o.options.Dir == "" {
		return nil
	}
	if err := o.writeTiles(ctx, signed.Size); err != nil {
		return fmt.Errorf("write tiles into %s: %w", o.options.Dir, err)
	}
	if err := o.options.after(stepWritten); err != nil {
		return err
	}
	if err := o.writeCheckpoint(ctx, signed); err != nil {
		return err
	}
	o.written = signed.Size
	return o.options.after(stepPublished)
}

func (o *owner) writeTiles(ctx context.Context, size int64) error {
	synced := map[string]bool{}
	for _, t := range tlog.NewTiles(audit.TileHeight, o.written, size) {
		data, err := growing{o}.Tile(ctx, t.L, t.N, t.W)
		if err != nil {
			return err
		}
		path := filepath.Join(o.options.Dir, filepath.FromSlash(audit.TilePath(t.L, t.N, t.W)))
		if err := writeTile(path, data, synced); err != nil {
			return err
		}
		if t.W == audit.TileWidth { // C2SP tlog-tiles: partial tiles may go once the full one is there
			if err := os.RemoveAll(path + ".p"); err != nil {
				return fmt.Errorf("remove partial tiles: %w", err)
			}
		}
	}
	for dir := range synced {
		if err := audit.SyncFolder(dir); err != nil {
			return fmt.Errorf("make names durable: %w", err)
		}
	}
	return nil
}

// writeTile writes a tile once. One with other content is never overwritten: it may have been published.
func writeTile(path string, data []byte, synced map[string]bool) error {
	there, err := os.ReadFile(path) //nolint:gosec // inside the configured folder
	if err == nil {
		if !bytes.Equal(there, data) {
			return fmt.Errorf("the tile %s has other hashes already", path)
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeFolders(filepath.Dir(path), synced); err != nil {
		return err
	}
	return audit.ReplaceFile(path, data, fileMode)
}

// makeFolders is MkdirAll that remembers the folders of which the names have to be made durable.
func makeFolders(dir string, synced map[string]bool) error {
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
			break
		}
		synced[filepath.Dir(at)] = true
	}
	return os.MkdirAll(dir, folderMode)
}

// writeCheckpoint replaces the folder's checkpoint by a later one. The lock keeps a process that lost its session, and does
// not know yet, from putting an older one in the place of its successor's.
func (o *owner) writeCheckpoint(ctx context.Context, signed Signed) (err error) {
	if err := os.MkdirAll(o.options.Dir, folderMode); err != nil {
		return fmt.Errorf("make the log's folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(o.options.Dir, ".lock"), os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return fmt.Errorf("open the folder's lock: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock the folder: %w", err)
	}
	there, err := o.published(ctx)
	if err != nil {
		return err
	}
	if there != nil && there.Size >= signed.Size {
		if there.Size == signed.Size && there.Root != signed.Root {
			return &audit.ForkError{Known: *there, Other: signed.Checkpoint}
		}
		return nil
	}
	if err := audit.ReplaceFile(filepath.Join(o.options.Dir, audit.CheckpointPath), signed.Note, fileMode); err != nil {
		return fmt.Errorf("write the checkpoint into %s: %w", o.options.Dir, err)
	}
	return nil
}
