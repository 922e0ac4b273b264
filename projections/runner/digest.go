package runner

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"

	"github.com/massrouter/massrouter/domain"
)

// Digest is a hash of the whole content of a build. It is the same for builds with the same rows, in whatever order they were
// written and lie; times of building are not part of it. It tells honest builds apart: it is no proof against somebody who
// makes up rows in order to reach a sum.
type Digest struct {
	Name     string
	Version  int
	Position int64  // of the build
	Sum      string // SHA-256 over name, version and the digests of the tables, in hex
	Tables   []TableDigest
}

// TableDigest is the hash of one table: the sum, modulo 2^256, of the SHA-256 of each row as COPY writes it, in hex.
type TableDigest struct {
	Table string // without the schema
	Rows  int64
	Sum   string
}

// Digest hashes the live build; with a position above 0, what the projection is at that position: replayed from the log, when
// the live build is not just there. Errors have code not_found, or invalid_request for a position that the log has not.
func (r *Runner) Digest(ctx context.Context, name string, position int64) (Digest, error) {
	chosen, err := r.choose([]string{name})
	if err != nil {
		return Digest{}, err
	}
	p := chosen[0]
	live, err := beside{r, p, Live}.open(ctx)
	if err != nil {
		return Digest{}, err
	}
	if position == 0 || position == live.position {
		defer live.close(ctx)
		return live.digest(ctx)
	}
	live.close(ctx)
	return r.digestAt(ctx, p, position)
}

func (r *Runner) digestAt(ctx context.Context, p Projection, position int64) (Digest, error) {
	head, err := r.store.Head(ctx)
	if err != nil {
		return Digest{}, fmt.Errorf("read the end of the log: %w", err)
	}
	if position < 0 || position > head.Position {
		return Digest{}, domain.Errorf(domain.CodeInvalid, "the log has positions 1 to %d", head.Position)
	}
	s, err := r.newScratch(ctx, p)
	if err != nil {
		return Digest{}, err
	}
	defer s.close(ctx)
	if err := s.advance(ctx, position); err != nil {
		return Digest{}, err
	}
	built, err := s.open(ctx)
	if err != nil {
		return Digest{}, err
	}
	defer built.close(ctx)
	return built.digest(ctx)
}

func (c *content) digest(ctx context.Context) (Digest, error) {
	d := Digest{Name: c.p.Name(), Version: c.p.Version(), Position: c.position}
	all := sha256.New()
	_, _ = fmt.Fprintf(all, "%s v%d\n", d.Name, d.Version) // a hash takes everything
	names, err := baseNames(c.p)
	if err != nil {
		return Digest{}, err
	}
	for _, name := range names {
		var rows rowSum
		if _, err := c.tx.Conn().PgConn().CopyTo(ctx, &rows, `COPY (SELECT * FROM `+c.slot.name(name)+`) TO STDOUT`); err != nil {
			return Digest{}, fmt.Errorf("read %s: %w", c.slot.name(name), err)
		}
		t := TableDigest{Table: name, Rows: rows.rows, Sum: rows.text()}
		_, _ = fmt.Fprintf(all, "%s %d %s\n", t.Table, t.Rows, t.Sum) // as above
		d.Tables = append(d.Tables, t)
	}
	d.Sum = hex.EncodeToString(all.Sum(nil))
	return d, nil
}

// rowSum adds up the hashes of the lines that are written to it. A line of COPY's text format has no line break inside.
type rowSum struct {
	sum  [4]uint64 // the lowest part first
	rows int64
	rest []byte // of a line that is not complete
}

// Write takes any part of the text.
func (s *rowSum) Write(text []byte) (int, error) {
	n := len(text)
	for {
		end := bytes.IndexByte(text, '\n')
		if end < 0 {
			s.rest = append(s.rest, text...)
			return n, nil
		}
		if len(s.rest) > 0 {
			s.rest = append(s.rest, text[:end]...)
			s.add(s.rest)
			s.rest = s.rest[:0]
		} else {
			s.add(text[:end])
		}
		text = text[end+1:]
	}
}

func (s *rowSum) add(line []byte) {
	hash := sha256.Sum256(line)
	carry := uint64(0)
	for i := range s.sum {
		s.sum[i], carry = bits.Add64(s.sum[i], binary.LittleEndian.Uint64(hash[8*i:]), carry)
	}
	s.rows++
}

func (s *rowSum) text() string {
	var b [32]byte
	for i, part := range s.sum {
		binary.LittleEndian.PutUint64(b[8*i:], part)
	}
	return hex.EncodeToString(b[:])
}
