package postgres

import (
	"context"
	"errors"
	"fmt"
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
	names := make([]string, len(steps))
	for i, st := range steps {
		prepared, err := conn.Prepare(ctx, st.sql, st.sql)
		if err != nil {
			return nil, commitError(fmt.Errorf("prepare an append: %w", err), false)
		}
		names[i] = prepared.Name
	}
	// The driver's reads end with the context; its bare writes do so by a deadline in the past.
	stop := context.AfterFunc(ctx, func() { _ = conn.PgConn().Conn().SetWriteDeadline(time.Unix(1, 0)) })
	err := write(conn.PgConn().Frontend(), steps, names)
	var first []byte
	if stop() && err == nil {
		first, err = receive(ctx, conn.PgConn())
	} else if err == nil {
		err = ctx.Err()
	}
	var refused *pgconn.PgError
	if err != nil && !errors.As(err, &refused) {
		// What the server still has to say would be taken for the answer to the next question.
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		_ = conn.Close(closing)
	}
	if err != nil {
		return nil, commitError(fmt.Errorf("append: %w", err), true)
	}
	return first, nil
}

func write(to *pgproto3.Frontend, steps []step, names []string) error {
	binaryFormat := []int16{pgx.BinaryFormatCode}
	for i, st := range steps {
		to.SendBind(&pgproto3.Bind{
			PreparedStatement: names[i], Parameters: st.params, ResultFormatCodes: binaryFormat,
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
