package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// closeTimeout bounds how long a broken connection may take to close.
const closeTimeout = time.Second

// send runs steps in one round trip: up to the synchronisation they are one transaction of their own, unless one is
// open already. The server stops at the first error and skips the rest. It returns the last column of the first row of
// the first step.
//
// It speaks the protocol itself because the driver's pipelines know no COPY, and COPY is worth it: the server inserts its
// rows page by page rather than one by one.
func send(ctx context.Context, conn *pgx.Conn, steps []step) ([]byte, error) {
	if err := prepareAll(ctx, conn, steps); err != nil {
		return nil, commitError(fmt.Errorf("append: %w", err), false)
	}
	if err := put(ctx, conn, steps); err != nil {
		return nil, err
	}
	return get(ctx, conn)
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

// prepared says whether a connection knows all statements.
func prepared(conn *pgx.Conn, steps []step) bool {
	known := statements(conn)
	return !slices.ContainsFunc(steps, func(st step) bool { return known[st.sql] == "" })
}

// prepareAll prepares what the connection does not know. Nothing may be under way on it then.
func prepareAll(ctx context.Context, conn *pgx.Conn, steps []step) error {
	known := statements(conn)
	for _, st := range steps {
		if known[st.sql] != "" {
			continue
		}
		description, err := conn.Prepare(ctx, st.sql, st.sql)
		if err != nil {
			return fmt.Errorf("prepare an append: %w", err)
		}
		known[st.sql] = description.Name
	}
	return nil
}

// put sends prepared steps.
func put(ctx context.Context, conn *pgx.Conn, steps []step) error {
	// The driver's reads end with the context; its bare writes do so by a deadline in the past.
	stop := context.AfterFunc(ctx, func() { _ = conn.PgConn().Conn().SetWriteDeadline(time.Unix(1, 0)) })
	err := write(conn.PgConn().Frontend(), steps, statements(conn))
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		hangUp(ctx, conn)
		return commitError(fmt.Errorf("append: %w", err), true)
	}
	return nil
}

// get receives the answer to what was put first and has none yet.
func get(ctx context.Context, conn *pgx.Conn) ([]byte, error) {
	first, err := receive(ctx, conn.PgConn())
	if err == nil {
		return first, nil
	}
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		hangUp(ctx, conn)
	}
	return nil, commitError(fmt.Errorf("append: %w", err), true)
}

// hangUp closes a connection in the middle: what the server still has to say would be taken for the answer to the next
// question.
func hangUp(ctx context.Context, conn *pgx.Conn) {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = conn.Close(closing)
}

func write(to *pgproto3.Frontend, steps []step, names map[string]string) error {
	binaryFormat := []int16{pgx.BinaryFormatCode}
	for _, st := range steps {
		to.SendBind(&pgproto3.Bind{
			PreparedStatement: names[st.sql], Parameters: st.params, ResultFormatCodes: binaryFormat,
			ParameterFormatCodes: binaryFormat[:min(1, len(st.params))],
		})
		to.SendExecute(&pgproto3.Execute{})
		if st.rows != nil {
			to.Send(&pgproto3.CopyData{Data: st.rows})
			to.Send(&pgproto3.CopyDone{})
		}
	}
	to.SendSync(&pgproto3.Sync{})
	return to.Flush()
}

// receive reads up to the end of the transaction.
func receive(ctx context.Context, conn *pgconn.PgConn) (first []byte, err error) {
	var refused error
	for steps := 0; ; {
		m, err := conn.ReceiveMessage(ctx)
		if err != nil {
			return nil, err
		}
		switch m := m.(type) {
		case *pgproto3.DataRow:
			if steps == 0 && first == nil {
				first = append([]byte{}, m.Values[len(m.Values)-1]...)
			}
		case *pgproto3.CommandComplete:
			steps++
		case *pgproto3.ErrorResponse:
			refused = pgconn.ErrorResponseToPgError(m)
		case *pgproto3.ReadyForQuery:
			return first, refused
		}
	}
}
