package auditdb

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// wire reads a server's messages from its connection, as many at once as have arrived: a log has millions of rows, and each
// read costs as much as some rows do.
type wire struct {
	conn net.Conn
	b    []byte // what was read, of which from:to is left
	from int
	to   int
}

const (
	wireBuffer     = 256 << 10
	wireHead       = 5       // bytes of a message's kind and length
	longestMessage = 1 << 30 // no row of PostgreSQL is longer
)

// The kinds of messages of a COPY, as the protocol calls them.
const (
	copyData      = 'd'
	errorResponse = 'E'
	readyForQuery = 'Z'
)

var errWire = errors.New("the server's message is none")

// next is a message without its head. It is valid until the next call.
func (w *wire) next() (kind byte, body []byte, err error) {
	if err := w.need(wireHead); err != nil {
		return 0, nil, err
	}
	length := binary.BigEndian.Uint32(w.b[w.from+1:])
	if length < wireHead-1 || length > longestMessage {
		return 0, nil, errWire
	}
	size := int(length) + 1
	if err := w.need(size); err != nil {
		return 0, nil, err
	}
	kind, body = w.b[w.from], w.b[w.from+wireHead:w.from+size]
	w.from += size
	return kind, body, nil
}

// need reads until so many bytes are there.
func (w *wire) need(n int) error {
	if w.to-w.from >= n {
		return nil
	}
	b := w.b
	if n > len(b) {
		b = make([]byte, max(n, wireBuffer))
	}
	w.to, w.from, w.b = copy(b, w.b[w.from:w.to]), 0, b
	read, err := io.ReadAtLeast(w.conn, w.b[w.to:], n-w.to)
	w.to += read
	return err
}

// copy hands over the rows of a COPY, in a transaction of its own. A row is valid during the call only: the number of
// columns in two bytes, then each with its length in four (-1 for NULL).
func (s *session) copy(ctx context.Context, query string, use func(row []byte) error) (err error) {
	tx, err := s.beginOn(ctx)
	if err != nil {
		return err
	}
	// From here on the connection is read without the driver; it ends with the copy, and its transaction with it.
	conn := tx.Hijack().PgConn()
	if err := conn.SyncConn(ctx); err != nil {
		return errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
	}
	taken, err := conn.Hijack()
	if err != nil {
		return errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
	}
	stop := context.AfterFunc(ctx, func() { _ = taken.Conn.SetDeadline(time.Unix(1, 0)) }) // what waits fails
	defer func() {
		if stop(); ctx.Err() != nil {
			err = ctx.Err()
		}
		_ = taken.Conn.Close() // nothing was written
	}()
	taken.Frontend.SendQuery(&pgproto3.Query{String: query})
	if err := taken.Frontend.Flush(); err != nil {
		return fmt.Errorf("ask for a copy: %w", err)
	}
	w := &wire{conn: taken.Conn}
	return w.rows(&copied{use: use})
}

// rows hands over the data of a copy until the server is ready for another question.
func (w *wire) rows(c *copied) error {
	for {
		kind, body, err := w.next()
		if err != nil {
			return fmt.Errorf("read a copy: %w", err)
		}
		switch kind {
		case copyData:
			if err := c.message(body); err != nil {
				return err
			}
		case errorResponse:
			refused := &pgproto3.ErrorResponse{}
			if err := refused.Decode(body); err != nil {
				return errWire
			}
			return pgconn.ErrorResponseToPgError(refused)
		case readyForQuery:
			if !c.ended {
				return errCopy
			}
			return nil
		default: // what begins and ends a copy, and notices
		}
	}
}
