package page

import (
	"encoding/binary"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
)

// List is one whose rows are sorted by a moment and, of the same moment, by an id. Neither ever changes of a row: what comes and goes between two pages moves
// nothing from one to the other.
type List struct {
	kind  string
	asked int64
}

// ListOf is a list of a kind as it is asked for: of whom, and with which filter. It refuses cursors of another one, as a mistake of the caller; who may see
// which rows is the statement's to say.
func ListOf(kind string, asked ...string) List {
	h := fnv.New32a()
	for _, one := range asked {
		_, _ = h.Write(append([]byte(one), 0)) // it never fails
	}
	return List{kind: kind, asked: int64(h.Sum32())}
}

// Window is what a page shows: rows beyond a place.
type Window struct {
	At time.Time
	ID uuid.UUID

	list  List
	limit int
}

// After is the window of a list in ascending order, from its first row on for no cursor. limit is that of Limit. Errors: invalid_request.
func (l List) After(cursor string, limit int) (Window, error) {
	return l.window(Window{}, cursor, limit)
}

// Before is the window of a list in descending order; see After.
func (l List) Before(cursor string, limit int) (Window, error) {
	return l.window(Window{At: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), ID: uuid.Max}, cursor, limit)
}

func (l List) window(w Window, cursor string, limit int) (_ Window, err error) {
	w.list = l
	if w.limit, err = Limit(limit); err != nil || cursor == "" {
		return w, err
	}
	const keys = 1 + 1 + 2 // what was asked, the moment, the halves of the id
	key, err := Decode(l.kind, cursor, keys)
	if err != nil {
		return w, err
	}
	if key[0] != l.asked {
		return w, domain.Errorf(domain.CodeInvalid, "the cursor is of another request")
	}
	w.At, w.ID = time.UnixMicro(key[1]).UTC(), join(key[2], key[3])
	if y := w.At.Year(); y < 1 || y > 9999 {
		return w, domain.Errorf(domain.CodeInvalid, "the cursor is not one that this list gave")
	}
	return w, nil
}

// Rows is how many rows a statement reads, as it says it; see the function Rows.
func (w Window) Rows() string { return strconv.Itoa(Rows(w.limit)) }

// Part is a part of a list. NextCursor is "" on the last page.
type Part[T any] struct {
	Items      []T
	NextCursor string
}

// Cut makes the page of the rows that were read for it. place is what a row is sorted by.
func Cut[T any](w Window, rows []T, place func(*T) (time.Time, uuid.UUID)) Part[T] {
	if len(rows) <= w.limit {
		return Part[T]{Items: rows}
	}
	at, id := place(&rows[w.limit-1])
	high, low := split(id)
	return Part[T]{Items: rows[:w.limit], NextCursor: Encode(w.list.kind, w.list.asked, at.UnixMicro(), high, low)}
}

// split makes two numbers of an id, as cursors have them.
func split(id uuid.UUID) (high, low int64) {
	return int64(binary.BigEndian.Uint64(id[:8])), int64(binary.BigEndian.Uint64(id[8:])) //nolint:gosec // bits, not amounts
}

// join makes the id again.
func join(high, low int64) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], uint64(high)) //nolint:gosec // bits, not amounts
	binary.BigEndian.PutUint64(id[8:], uint64(low))  //nolint:gosec // bits, not amounts
	return id
}
