package auditdb

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strings"

	"golang.org/x/sync/errgroup"
)

// screen compares the large tables as a whole: the rows that are stored, in whatever order they lie, with the rows that the
// events call for. Each row adds a fingerprint to a sum modulo 2^128. Fingerprints are a pseudo-random function of the row
// (AES of its GMAC) under keys that are drawn for the run: whoever wrote the tables could not know them, so two sums are
// equal when the rows are. A sum does not say which row is wrong: then all rows are read again in the order of the events,
// and compared one by one.
type screen struct {
	mac    cipher.AEAD
	block  cipher.Block
	tables []*screened
}

const screenReaders = 2 // tables that are read at the same time, beside the events

// screened is one table under way.
type screened struct {
	name, query string
	stored      tally // belongs to the goroutine that reads the table
	want        encoder
}

// tally is the sum of a set of rows.
type tally struct {
	sum

	screen *screen
	tag    [aes.BlockSize]byte
	nonce  [12]byte // always the same, which is no harm: nobody sees a tag
}

type sum struct {
	rows   int64
	hi, lo uint64
}

func newScreen() (*screen, error) {
	s := &screen{}
	var keys [2][aes.BlockSize]byte
	for i := range keys {
		_, _ = rand.Read(keys[i][:]) // it never fails
	}
	hashing, err := aes.NewCipher(keys[0][:])
	if err == nil {
		s.mac, err = cipher.NewGCM(hashing)
	}
	if err == nil {
		s.block, err = aes.NewCipher(keys[1][:])
	}
	if err != nil {
		return nil, fmt.Errorf("prepare fingerprints: %w", err)
	}
	return s, nil
}

// add has a table screened, by the columns of a query that compares row by row. Amounts and documents need not be texts.
func (s *screen) add(name, columns, where string) *screened {
	t := &screened{name: name, query: `COPY (SELECT ` + strings.NewReplacer("::text[]", "", "::text", "").Replace(columns) + ` FROM ` + name + where + `) TO STDOUT BINARY`}
	t.stored.screen, t.want.screen = s, s
	s.tables = append(s.tables, t)
	return t
}

// read starts to read all tables.
func (s *screen) read(ctx context.Context, from *session, group *errgroup.Group) {
	next := make(chan *screened, len(s.tables))
	for _, t := range s.tables {
		next <- t
	}
	close(next)
	for range screenReaders {
		group.Go(func() error {
			for t := range next {
				if err := t.read(ctx, from); err != nil {
					return fmt.Errorf("read %s: %w", t.name, err)
				}
			}
			return nil
		})
	}
}

func (t *screened) read(ctx context.Context, from *session) error {
	return from.copy(ctx, t.query, func(row []byte) error {
		t.stored.add(row)
		return nil
	})
}

// agrees says whether all tables have the rows that the events call for. All of them must have been read.
func (s *screen) agrees() bool {
	for _, t := range s.tables {
		if t.stored.sum != t.want.sum {
			return false
		}
	}
	return true
}

// add counts a row.
func (t *tally) add(row []byte) {
	tag := t.screen.mac.Seal(t.tag[:0], t.nonce[:], nil, row)
	t.screen.block.Encrypt(tag, tag)
	var carry uint64
	t.lo, carry = bits.Add64(t.lo, binary.BigEndian.Uint64(tag[8:]), 0)
	t.hi, _ = bits.Add64(t.hi, binary.BigEndian.Uint64(tag), carry)
	t.rows++
}

// copyHeader begins what COPY sends in binary; flags and the length of an extension follow.
const (
	copyHeader     = "PGCOPY\n\xff\r\n\x00"
	copyHeaderSize = len(copyHeader) + 8
)

var errCopy = errors.New("it is no binary copy of rows")

// copied takes the messages of a copy one by one: each has one row, the first the header too, and the last nothing but the end.
type copied struct {
	use   func(row []byte) error
	begun bool
	ended bool
}

// message takes the data of one.
func (c *copied) message(b []byte) error {
	if !c.begun {
		if len(b) < copyHeaderSize || string(b[:len(copyHeader)]) != copyHeader || binary.BigEndian.Uint64(b[len(copyHeader):]) != 0 {
			return errCopy
		}
		c.begun, b = true, b[copyHeaderSize:]
	}
	switch {
	case c.ended && len(b) > 0:
		return errCopy
	case len(b) == 0:
	case len(b) == 2 && b[0] == 0xff && b[1] == 0xff:
		c.ended = true
	default:
		return c.use(b)
	}
	return nil
}
