package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/mod/sumdb/note"
)

// Witness cosigns the checkpoints of one log that are consistent with the last one that it cosigned, and no others. It is
// run by somebody else than the log, so that the log cannot show different histories to different people.
type Witness struct {
	Log   note.Verifier
	Key   *Cosigner
	State string // file of the last checkpoint that was cosigned, with the cosignature; made by the first run
}

// Cosigned is what a witness has signed.
type Cosigned struct {
	Checkpoint Checkpoint
	Before     *Checkpoint // the one that was cosigned last; nil the first time
	Note       []byte      // with the cosignature
}

// Cosign reads a log's newest checkpoint, proves it consistent with the state, keeps it as the new state durably, and
// only then returns the cosignature. The error is a *ForkError when the log has another history or went back: keep its
// checkpoint, it is the evidence. The first checkpoint of all is trusted as it is.
func (w Witness) Cosign(ctx context.Context, log Tiles) (_ *Cosigned, err error) {
	lock, err := lockFile(w.State + ".lock")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	known, err := w.known()
	if err != nil {
		return nil, err
	}
	signed, err := log.Checkpoint(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the log's checkpoint: %w", err)
	}
	next, n, err := openNote(signed, w.Log)
	if err != nil {
		return nil, err
	}
	if known != nil {
		if err := CheckConsistency(ctx, log, *known, next); err != nil {
			return nil, err
		}
	}
	out, err := note.Sign(n, w.Key)
	if err != nil {
		return nil, fmt.Errorf("cosign: %w", err)
	}
	if err := ReplaceFile(w.State, out, 0o600); err != nil {
		return nil, fmt.Errorf("keep the witness's state: %w", err)
	}
	return &Cosigned{Checkpoint: next, Before: known, Note: out}, nil
}

// known is the checkpoint that was cosigned last, by our own cosignature.
func (w Witness) known() (*Checkpoint, error) {
	state, err := os.ReadFile(w.State)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // nothing was cosigned yet
	}
	if err != nil {
		return nil, fmt.Errorf("read the witness's state: %w", err)
	}
	c, n, err := openNote(state, w.Log, w.Key.Verifier())
	if err != nil {
		return nil, fmt.Errorf("the witness's state %s: %w", w.State, err)
	}
	for _, s := range n.Sigs {
		if s.Name == w.Key.Name() && s.Hash == w.Key.KeyHash() {
			return &c, nil
		}
	}
	return nil, fmt.Errorf("the witness's state %s was not cosigned by %s", w.State, w.Key.Name())
}

// lockFile waits until this process alone has the lock, which ends with it. The file stays.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the caller names the file
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("take the lock %s: %w", path, err), file.Close())
	}
	return file, nil
}

// ReplaceFile writes a file durably: after a crash it has the old content or the new.
func ReplaceFile(path string, content []byte, mode fs.FileMode) (err error) {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, "."+strings.TrimPrefix(filepath.Base(path), ".")+".*.new")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	_, err = file.Write(content)
	err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close())
	if err != nil {
		return err
	}
	if err = os.Rename(file.Name(), path); err != nil {
		return err
	}
	return SyncFolder(dir)
}

// SyncFolder makes the names in a folder durable.
func SyncFolder(dir string) error {
	folder, err := os.Open(dir) //nolint:gosec // the caller names the folder
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
