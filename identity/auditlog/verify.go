package auditlog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Code says what is wrong with the trail.
type Code string

// What can be wrong.
const (
	EntryChanged  Code = "trail_entry_changed"  // an entry or its link is not what the link's hash says, or stands elsewhere
	EntryMissing  Code = "trail_entry_missing"  // a link's entry is gone
	LinkMissing   Code = "trail_link_missing"   // a link of the chain is gone
	EntryUnlinked Code = "trail_entry_unlinked" // an entry is not in the chain and does not wait for its link
	ColumnDiffers Code = "trail_column_differs" // what is searched by is not what the entry says
	TimeDiffers   Code = "trail_time_differs"   // links do not follow each other in time, or an entry is younger than its link
	HeadDiffers   Code = "trail_head_differs"   // the end of the chain is not where the last link is
	HeadForged    Code = "trail_head_forged"    // a signed head is not of this chain, or its signature is not of the key
)

// Finding is one thing that is wrong. Entry and Sequence are 0 where they do not apply.
type Finding struct {
	Code     Code   `json:"code"`
	Entry    int64  `json:"entry_id,omitempty,string"`
	Sequence int64  `json:"sequence,omitempty,string"`
	Message  string `json:"message"`
}

// Summary is what was verified.
type Summary struct {
	Entries  int64  `json:"entries"`
	Links    int64  `json:"links"`
	Waiting  int64  `json:"waiting"` // entries without their link yet
	Erased   int64  `json:"erased"`  // entries whose personal part is gone
	Signed   int64  `json:"signed_heads"`
	Sequence int64  `json:"sequence,string"`
	Hash     []byte `json:"hash"` // of the last link
}

// Querier is the pool or a transaction; the latter makes it one snapshot.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// genesis is what the first link follows.
const genesis = "massrouter audit trail"

// row is an entry and its link, either of which may be missing.
type row struct {
	sequence, linked    *int64
	sealedAt            *time.Time
	hash                []byte
	entry               *int64
	recordedAt          *time.Time
	body, personal      *string
	salt, personalHash  []byte
	waits, columnsAgree bool
}

const verifySQL = `SELECT s.sequence, s.entry_id, s.sealed_at, s.hash, e.entry_id, e.recorded_at, e.body::text, e.personal, e.salt, e.personal_hash,
		u.entry_id IS NOT NULL, e.entry_id IS NULL OR (e.actor, e.action, e.result, e.target, e.person, e.wallet_id, e.organisation_id, e.request_id, e.command_id)
			IS NOT DISTINCT FROM (e.body ->> 'actor', e.body ->> 'action', e.body ->> 'result', e.body ->> 'target', (e.body ->> 'person')::uuid,
			(e.body ->> 'wallet_id')::uuid, (e.body ->> 'organisation_id')::uuid, (e.body ->> 'request_id')::uuid, (e.body ->> 'command_id')::uuid)
	FROM audit.seals s FULL JOIN audit.entries e ON e.entry_id = s.entry_id LEFT JOIN audit.unsealed u ON u.entry_id = e.entry_id
	ORDER BY s.sequence NULLS LAST, e.entry_id`

// chain is how far it was verified.
type chain struct {
	Summary
	found  func(Finding)
	hash   []byte // of the last link, as it is stored
	sealed time.Time
	heads  map[int64][]byte // signed heads to compare with
}

// Verify reads the whole trail and tells what is wrong with it; an error says that it could not be read. signed checks the note of a signed head, and may
// be nil.
func Verify(ctx context.Context, q Querier, signed func(Head) error, found func(Finding)) (Summary, error) {
	first := sha256.Sum256([]byte(genesis))
	c := &chain{found: found, hash: first[:], heads: map[int64][]byte{}}
	if err := c.readHeads(ctx, q, signed); err != nil {
		return c.Summary, err
	}
	if err := c.read(ctx, q); err != nil {
		return c.Summary, fmt.Errorf("read the audit trail: %w", err)
	}
	err := c.end(ctx, q)
	return c.Summary, err
}

func (c *chain) read(ctx context.Context, q Querier) error {
	rows, err := q.Query(ctx, verifySQL)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.sequence, &r.linked, &r.sealedAt, &r.hash, &r.entry, &r.recordedAt, &r.body, &r.personal, &r.salt, &r.personalHash,
			&r.waits, &r.columnsAgree); err != nil {
			return err
		}
		c.take(&r)
	}
	return rows.Err()
}

// take verifies one entry and its link.
func (c *chain) take(r *row) {
	if r.entry != nil {
		c.takeEntry(r)
	}
	if r.sequence == nil {
		if r.waits {
			c.Waiting++
			return
		}
		c.found(Finding{Code: EntryUnlinked, Entry: *r.entry, Message: fmt.Sprintf("entry %d is not in the chain and does not wait to be", *r.entry)})
		return
	}
	c.Links++
	n := *r.sequence
	if n != c.Sequence+1 {
		c.found(Finding{Code: LinkMissing, Sequence: c.Sequence + 1, Message: fmt.Sprintf("links %d to %d are missing", c.Sequence+1, n-1)})
	}
	switch {
	case r.entry == nil:
		c.found(Finding{Code: EntryMissing, Entry: *r.linked, Sequence: n, Message: fmt.Sprintf("entry %d of link %d is gone", *r.linked, n)})
	case !bytes.Equal(link(c.hash, r), r.hash):
		c.found(Finding{Code: EntryChanged, Entry: *r.entry, Sequence: n, Message: fmt.Sprintf("entry %d is not what link %d says", *r.entry, n)})
	}
	if r.sealedAt.Before(c.sealed) || r.recordedAt != nil && r.sealedAt.Before(*r.recordedAt) {
		c.found(Finding{Code: TimeDiffers, Entry: *r.linked, Sequence: n, Message: fmt.Sprintf("link %d is older than what it follows", n)})
	}
	if want, ok := c.heads[n]; ok && !bytes.Equal(want, r.hash) {
		c.found(Finding{Code: HeadForged, Sequence: n, Message: fmt.Sprintf("the head that was signed at %d is not of this chain", n)})
	}
	delete(c.heads, n)
	c.Sequence, c.hash, c.sealed = n, r.hash, *r.sealedAt
}

// takeEntry verifies what an entry shows beside its link.
func (c *chain) takeEntry(r *row) {
	c.Entries++
	if !r.columnsAgree {
		c.found(Finding{Code: ColumnDiffers, Entry: *r.entry, Message: fmt.Sprintf("entry %d is searched by what it does not say", *r.entry)})
	}
	if r.personal == nil {
		if len(r.personalHash) > 0 {
			c.Erased++
		}
		return
	}
	sum := sha256.Sum256(append(bytes.Clone(r.salt), *r.personal...))
	if !bytes.Equal(sum[:], r.personalHash) {
		c.found(Finding{Code: EntryChanged, Entry: *r.entry, Message: fmt.Sprintf("what is personal of entry %d was changed", *r.entry)})
	}
}

// link is the hash of a link that follows another: see audit.seal in migration 0027.
func link(before []byte, r *row) []byte {
	var entry []byte
	entry = appendInt(entry, *r.entry)
	entry = appendInt(entry, r.recordedAt.UnixMicro())
	entry = appendInt(entry, int64(len(*r.body)))
	entry = append(append(entry, *r.body...), r.personalHash...)
	leaf := sha256.Sum256(entry)
	text := appendInt(bytes.Clone(before), *r.sequence)
	text = append(appendInt(text, r.sealedAt.UnixMicro()), leaf[:]...)
	sum := sha256.Sum256(text)
	return sum[:]
}

func appendInt(b []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(n)) //nolint:gosec // two's complement is the format
}

// end compares the chain's end with the head, and with what was signed.
func (c *chain) end(ctx context.Context, q Querier) error {
	c.Hash = c.hash
	var sequence, dangling int64
	var hash []byte
	err := q.QueryRow(ctx, `SELECT sequence, hash FROM audit.head`).Scan(&sequence, &hash)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) { // none is another head than the chain's
		return fmt.Errorf("read the head of the audit trail: %w", err)
	}
	if err != nil || sequence != c.Sequence || !bytes.Equal(hash, c.hash) {
		c.found(Finding{Code: HeadDiffers, Sequence: c.Sequence, Message: fmt.Sprintf("the chain ends at link %d, its head is at %d", c.Sequence, sequence)})
	}
	for n := range c.heads {
		c.found(Finding{Code: HeadForged, Sequence: n, Message: fmt.Sprintf("a head was signed at %d, where there is no link", n)})
	}
	const danglingSQL = `SELECT count(*) FROM audit.unsealed u WHERE NOT EXISTS (SELECT FROM audit.entries e WHERE e.entry_id = u.entry_id)
		OR EXISTS (SELECT FROM audit.seals s WHERE s.entry_id = u.entry_id)`
	if err := q.QueryRow(ctx, danglingSQL).Scan(&dangling); err != nil {
		return fmt.Errorf("read what waits in the audit trail: %w", err)
	}
	if dangling > 0 {
		c.found(Finding{Code: EntryMissing, Message: fmt.Sprintf("%d entries that wait for their links are gone or have one", dangling)})
	}
	return nil
}
