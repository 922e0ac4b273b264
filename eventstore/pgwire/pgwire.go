// Package pgwire runs prepared statements and COPYs, one behind the other, in one round trip.
//
// It speaks PostgreSQL's protocol with the driver's own message types, because the driver's pipelines know no COPY, and COPY is
// worth it: the server inserts its rows page by page rather than one by one, and no arrays are built and taken apart.
package pgwire

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// Step is one prepared statement with its parameters in binary format, or a COPY FROM STDIN BINARY with its rows: as a whole (see
// Rows), or as they are sent.
type Step struct {
	SQL    string
	Params [][]byte
	Rows   []byte
	Source RowSource
}

// Answer is what the server said.
type Answer struct {
	First    []byte  // the last column of the first row of the first step
	Affected []int64 // rows, by step
}

// closeTimeout bounds how long a broken connection may take to close.
const closeTimeout = time.Second

// Send runs steps in one round trip: up to the synchronisation they are one transaction of their own, unless one is open
// already. The server stops at the first error, which is a *pgconn.PgError, and skips the rest; after any other error the
// connection is closed, because its state is not known. The server's answers must be small: all is written before they are read.
func Send(ctx context.Context, conn *pgx.Conn, steps []Step) (Answer, error) {
	if err := Prepare(ctx, conn, steps); err != nil {
		return Answer{}, err
	}
	if err := Put(ctx, conn, steps); err != nil {
		return Answer{}, err
	}
	return Get(ctx, conn)
}

// statements are the names of what a connection has prepared, by their text.
func statements(conn *pgx.Conn) map[string]string {
	const key = "massrouter statements"
	data := conn.PgConn().CustomData()
	known, ok := data[key].(map[string]string)
	if !ok {
		known = map[string]string{}
		data[key] = known
	}
	return known
}

// Prepared says whether a connection knows all statements.
func Prepared(conn *pgx.Conn, steps []Step) bool {
	known := statements(conn)
	return !slices.ContainsFunc(steps, func(s Step) bool { return known[s.SQL] == "" })
}

// Prepare prepares what the connection does not know. Nothing may be under way on it then.
func Prepare(ctx context.Context, conn *pgx.Conn, steps []Step) error {
	known := statements(conn)
	for _, s := range steps {
		if known[s.SQL] != "" {
			continue
		}
		description, err := conn.Prepare(ctx, s.SQL, s.SQL)
		if err != nil {
			return fmt.Errorf("prepare a statement: %w", err)
		}
		known[s.SQL] = description.Name
	}
	return nil
}

// Put sends prepared steps. After an error the connection is closed.
func Put(ctx context.Context, conn *pgx.Conn, steps []Step) error {
	// The driver's reads end with the context; its bare writes do so by a deadline in the past.
	stop := context.AfterFunc(ctx, func() { _ = conn.PgConn().Conn().SetWriteDeadline(time.Unix(1, 0)) })
	err := write(conn.PgConn(), steps, statements(conn))
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		hangUp(ctx, conn)
	}
	return err
}

// Get receives the answer to what was put first and has none yet.
func Get(ctx context.Context, conn *pgx.Conn) (Answer, error) {
	a, refused, err := receive(ctx, conn.PgConn())
	if err != nil {
		hangUp(ctx, conn)
		return Answer{}, err
	}
	if refused != nil {
		return a, refused
	}
	return a, nil
}

// hangUp closes a connection in the middle: what the server still has to say would be taken for the answer to the next
// question.
func hangUp(ctx context.Context, conn *pgx.Conn) {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = conn.Close(closing)
}

func write(conn *pgconn.PgConn, steps []Step, names map[string]string) error {
	to := conn.Frontend()
	binaryFormat := []int16{pgx.BinaryFormatCode}
	for _, s := range steps {
		to.SendBind(&pgproto3.Bind{
			PreparedStatement: names[s.SQL], Parameters: s.Params, ResultFormatCodes: binaryFormat,
			ParameterFormatCodes: binaryFormat[:min(1, len(s.Params))],
		})
		to.SendExecute(&pgproto3.Execute{})
		switch {
		case s.Rows != nil:
			to.Send(&pgproto3.CopyData{Data: s.Rows})
			to.Send(&pgproto3.CopyDone{})
		case s.Source != nil:
			if err := to.Flush(); err != nil {
				return err
			}
			if err := stream(conn.Conn(), s.Source); err != nil {
				return err
			}
			to.Send(&pgproto3.CopyDone{})
		}
	}
	to.SendSync(&pgproto3.Sync{})
	return to.Flush()
}

// receive reads up to the end of the transaction.
func receive(ctx context.Context, conn *pgconn.PgConn) (a Answer, refused *pgconn.PgError, err error) {
	for {
		m, err := conn.ReceiveMessage(ctx)
		if err != nil {
			return Answer{}, nil, err
		}
		switch m := m.(type) {
		case *pgproto3.DataRow:
			if len(a.Affected) == 0 && a.First == nil {
				a.First = append([]byte{}, m.Values[len(m.Values)-1]...)
			}
		case *pgproto3.CommandComplete:
			a.Affected = append(a.Affected, pgconn.NewCommandTag(string(m.CommandTag)).RowsAffected())
		case *pgproto3.ErrorResponse:
			refused = pgconn.ErrorResponseToPgError(m)
		case *pgproto3.ReadyForQuery:
			return a, refused, nil
		}
	}
}
