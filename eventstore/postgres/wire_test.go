package postgres_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/eventstore/eventstoretest"
)

// errCut is what a connection reports after it was cut.
var errCut = errors.New("the connection was cut")

// cutCommits makes the connections of a pool ask for the fate of every commit that is about to be sent, and obey.
func cutCommits(config *pgxpool.Config, fate func() eventstoretest.Fate) {
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.TLSConfig = nil // the commit has to be seen on the wire
	config.ConnConfig.Fallbacks = nil
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &wire{Conn: conn, fate: fate, commits: map[string]bool{}}, nil
	}
}

// wire reads what a client sends (PostgreSQL's frontend protocol, version 3) for what makes an append durable: a COMMIT,
// or a claim of the head, which comes in one message with all else and the synchronisation that ends its transaction.
type wire struct {
	net.Conn
	fate    func() eventstoretest.Fate
	greeted bool            // the start-up message, which has no type, has passed
	partial []byte          // of a message that is not complete yet
	commits map[string]bool // the prepared statements that make an append durable
	silent  bool            // answers are kept from the client until the connection breaks
}

func (w *wire) Write(b []byte) (int, error) {
	if !w.sendsCommit(b) {
		return w.Conn.Write(b)
	}
	switch w.fate() {
	case eventstoretest.LostBefore:
		return 0, errors.Join(errCut, w.Close())
	case eventstoretest.LostAfter:
		w.silent = true
	case eventstoretest.Durable:
	}
	return w.Conn.Write(b)
}

func (w *wire) Read(b []byte) (int, error) {
	if !w.silent {
		return w.Conn.Read(b)
	}
	// The commit is certain once the server is ready for more.
	header := make([]byte, 5)
	for header[0] != 'Z' {
		if _, err := io.ReadFull(w.Conn, header); err != nil {
			return 0, err
		}
		size := int64(binary.BigEndian.Uint32(header[1:])) - 4
		if _, err := io.CopyN(io.Discard, w.Conn, size); err != nil {
			return 0, err
		}
	}
	return 0, errors.Join(errCut, w.Close())
}

func (w *wire) sendsCommit(b []byte) bool {
	w.partial = append(w.partial, b...)
	found := false
	for {
		kind, body, rest, complete := w.next()
		if !complete {
			w.partial = bytes.Clone(w.partial)
			return found
		}
		w.partial = rest
		texts := bytes.SplitN(body, []byte{0}, 3)
		switch {
		case kind == 'P' && isCommit(texts[1]): // Parse: name, statement
			w.commits[string(texts[0])] = true
		case kind == 'P':
			delete(w.commits, string(texts[0]))
		case kind == 'B' && w.commits[string(texts[1])]: // Bind: portal, name
			found = true
		case kind == 'Q' && isCommit(texts[0]): // Query: statement
			found = true
		}
	}
}

func isCommit(statement []byte) bool {
	return strings.EqualFold(strings.Trim(string(statement), " \n\t;"), "commit") ||
		bytes.Contains(statement, []byte("ledger.move_head(")) ||
		bytes.Contains(statement, []byte("ledger.expect_head("))
}

// next splits the first message off what has been sent.
func (w *wire) next() (kind byte, body, rest []byte, complete bool) {
	header := 1
	if !w.greeted {
		header = 0
	}
	if len(w.partial) < header+4 {
		return 0, nil, nil, false
	}
	end := header + int(binary.BigEndian.Uint32(w.partial[header:]))
	if len(w.partial) < end {
		return 0, nil, nil, false
	}
	if w.greeted {
		kind = w.partial[0]
	}
	w.greeted = true
	return kind, w.partial[header+4 : end], w.partial[end:], true
}
