// Package journal keeps what must not be lost while the ledger is away: an append-only file of records, each durable
// before Append returns, and gone once it is removed. One process at a time has a journal's file.
package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/google/uuid"
)

var (
	// ErrBroken means that the disk failed; what is durable is unknown, and nothing more can be appended.
	ErrBroken = errors.New("the journal's disk failed")
	// ErrLocked means that another process has the journal.
	ErrLocked = errors.New("the journal is in use by another process")
	// ErrFormat means that the file is no journal.
	ErrFormat = errors.New("the file is not a journal")
	// ErrTooLarge means that a record is above MaxBody.
	ErrTooLarge = errors.New("the record is too large")
	errClosed   = errors.New("the journal is closed")
)

// MaxBody is the largest body of a record in bytes.
const MaxBody = 1 << 20

// compactAt is the size of the file at which records that were removed are thrown out of it.
const compactAt = 16 << 20

// Record is something to be done. IDs are unique: appending one again while it is there changes nothing.
type Record struct {
	ID   uuid.UUID
	Body []byte
}

// Journal is an open journal, safe for concurrent use.
type Journal struct {
	path string
	torn int64

	mu      sync.Mutex
	cond    *sync.Cond
	file    *os.File
	size    int64
	live    int64 // bytes of the records that are there
	order   []uuid.UUID
	pending map[uuid.UUID][]byte

	written, synced uint64 // appends so far, and how many of them are durable
	syncing         bool
	broken          error
}

// Open reads the journal at path, which is made if it is not there. The end of a record that was not written whole before
// a crash is cut off and kept beside the journal as path.torn.
func Open(path string) (*Journal, error) {
	j := &Journal{path: path, pending: make(map[uuid.UUID][]byte)}
	j.cond = sync.NewCond(&j.mu)
	file, err := openFile(path)
	if err != nil {
		return nil, err
	}
	j.file = file
	if err := j.read(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return j, nil
}

// Torn is how many bytes Open cut off.
func (j *Journal) Torn() int64 { return j.torn }

// Append makes a record durable. Appends that come at the same time share one sync of the disk. The wait is not cut short
// by ctx, which only keeps an append from beginning.
func (j *Journal) Append(ctx context.Context, r Record) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("append to the journal: %w", err)
	}
	if len(r.Body) > MaxBody {
		return ErrTooLarge
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, there := j.pending[r.ID]; !there {
		if err := j.write(frameOf(kindAppend, r.ID, r.Body)); err != nil {
			return err
		}
		j.remember(r.ID, r.Body)
		j.written++
	}
	return j.sync(j.written)
}

// sync waits until so many appends are durable, doing the work itself when nobody else is at it. The lock is held on
// entry and exit.
func (j *Journal) sync(upTo uint64) error {
	for j.synced < upTo {
		if j.broken != nil {
			return j.broken
		}
		if j.syncing {
			j.cond.Wait()
			continue
		}
		j.syncing = true
		target, file := j.written, j.file
		j.mu.Unlock()
		err := file.Sync()
		j.mu.Lock()
		j.syncing = false
		if err != nil {
			j.broken = fmt.Errorf("%w: %w", ErrBroken, err)
		} else {
			j.synced = target
		}
		j.cond.Broadcast()
	}
	return nil
}

// Remove takes a record out. It is not waited for: after a crash the record may be there again.
func (j *Journal) Remove(id uuid.UUID) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	body, there := j.pending[id]
	if !there {
		return nil
	}
	if err := j.write(frameOf(kindRemove, id, nil)); err != nil {
		return err
	}
	delete(j.pending, id)
	j.live -= frameSize(len(body))
	j.forget(id)
	return j.tidy()
}

// Pending lists at most limit records, oldest first.
func (j *Journal) Pending(limit int) []Record {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]Record, 0, min(limit, len(j.order)))
	for _, id := range j.order[:min(limit, len(j.order))] {
		out = append(out, Record{ID: id, Body: j.pending[id]})
	}
	return out
}

// Len is how many records there are.
func (j *Journal) Len() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.order)
}

// Close lets the file go. Records stay in it.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.syncing {
		j.cond.Wait()
	}
	if errors.Is(j.broken, errClosed) {
		return nil
	}
	j.broken = errClosed
	j.cond.Broadcast()
	if err := j.file.Close(); err != nil {
		return fmt.Errorf("close the journal: %w", err)
	}
	return nil
}

func (j *Journal) remember(id uuid.UUID, body []byte) {
	j.pending[id] = append([]byte(nil), body...)
	j.order = append(j.order, id)
	j.live += frameSize(len(body))
}
