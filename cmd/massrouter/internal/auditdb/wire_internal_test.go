package auditdb

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/pgtest"
)

// message is one of the server's.
func message(kind byte, body string) string {
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4))
	return string(head) + body
}

// TestMessagesOfACopy: however the bytes come, and whatever is wrong with them.
func TestMessagesOfACopy(t *testing.T) {
	t.Parallel()
	const header, end = copyHeader + "\x00\x00\x00\x00\x00\x00\x00\x00", "\xff\xff"
	long := "\x00\x01" + string(make([]byte, 3*wireBuffer))
	whole := message('H', "\x01\x00\x00") + message('d', header+"\x00\x00") + message('d', long) + message('N', "\x00") + message('d', end) +
		message('c', "") + message('C', "COPY 2\x00") + message('Z', "T")
	refused := message('E', "SERROR\x00C57014\x00Mcanceled\x00\x00")
	for name, c := range map[string]struct {
		bytes string
		rows  int
		err   error
	}{
		"whole":             {whole, 2, nil},
		"no end of rows":    {message('d', header) + message('Z', "T"), 0, errCopy},
		"a row of no rows":  {message('d', "\x00\x00"), 0, errCopy},
		"too short":         {"d\x00\x00\x00\x03", 0, errWire},
		"too long":          {"d\x7f\xff\xff\xff", 0, errWire},
		"cut off":           {whole[:len(whole)-1], 2, io.EOF},
		"cut off at a head": {whole[:len(whole)-6], 2, io.EOF},
		"refused":           {message('d', header+"\x00\x00") + refused, 1, &pgconn.PgError{}},
	} {
		for _, size := range []int{1, 3, 4096, len(whole)} {
			if size < 4096 && len(c.bytes) > wireBuffer {
				size += 997
			}
			client, server := net.Pipe()
			go func() {
				for rest := c.bytes; len(rest) > 0; {
					n, err := server.Write([]byte(rest[:min(size, len(rest))]))
					if rest = rest[n:]; err != nil {
						break
					}
				}
				_ = server.Close() // the reader sees the end
			}()
			rows := 0
			err := (&wire{conn: client}).rows(&copied{use: func([]byte) error {
				rows++
				return nil
			}})
			_ = client.Close() // ends the writer
			require.Equal(t, c.rows, rows, "%s by %d", name, size)
			var refusal *pgconn.PgError
			if errors.As(c.err, &refusal) {
				require.ErrorAs(t, err, &refusal)
				require.Equal(t, "57014", refusal.Code)
				continue
			}
			require.ErrorIs(t, err, c.err, "%s by %d", name, size)
		}
	}
}

// TestCopyOfAServer: a copy ends by its end, by a refusal, by what takes the rows, and by its context; and gives its connection
// back to nobody.
func TestCopyOfAServer(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	pool, err := pgxpool.New(ctx, pgtest.Empty(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	main, err := pool.Begin(ctx)
	require.NoError(t, err)
	s := &session{pool: pool}
	require.NoError(t, main.QueryRow(ctx, `SELECT pg_export_snapshot()`).Scan(&s.snapshot))
	t.Cleanup(func() { abandon(ctx, main) })

	rows := 0
	count := func([]byte) error {
		rows++
		return nil
	}
	require.NoError(t, s.copy(ctx, `COPY (SELECT generate_series(1, 100000)) TO STDOUT BINARY`, count))
	require.Equal(t, 100_000, rows)

	var refused *pgconn.PgError
	require.ErrorAs(t, s.copy(ctx, `COPY (SELECT 1 / (3 - n) FROM generate_series(1, 5) n) TO STDOUT BINARY`, count), &refused)
	require.Equal(t, "22012", refused.Code)
	require.ErrorAs(t, s.copy(ctx, `COPY nothing TO STDOUT BINARY`, count), &refused)
	require.ErrorIs(t, s.copy(ctx, `SELECT 1`, count), errCopy)

	stopped := errors.New("stopped")
	require.ErrorIs(t, s.copy(ctx, `COPY (SELECT generate_series(1, 10000000)) TO STDOUT BINARY`, func([]byte) error { return stopped }), stopped)

	cancelled, cancel := context.WithCancel(ctx)
	err = s.copy(cancelled, `COPY (SELECT generate_series(1, 2000000000)) TO STDOUT BINARY`, func([]byte) error {
		cancel()
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, s.copy(cancelled, `COPY (SELECT 1) TO STDOUT BINARY`, count), context.Canceled)
	require.EqualValues(t, 1, pool.Stat().TotalConns(), "only the transaction that has the snapshot is left")
}
