// Package checkpoint is the reading side of a projection's progress: answers that say which position they are of, and
// waiting for a position.
package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain"
)

// At is the moment that an answer is of: all events up to Position, the last of them recorded at AsOf (the Unix epoch
// before the first event).
type At struct {
	Position int64
	AsOf     time.Time
	build    int
}

// SameBuild says whether two answers of a view come from the same build of it. What was kept of an answer is not continued with
// one of another build: that may have other rows also for the events before.
func (a At) SameBuild(other At) bool { return a.build == other.build }

// Build counts the builds of a view: positions of different ones say nothing of each other.
func (a At) Build() int { return a.build }

// View is one version of one projection, as its queries see it. Safe for concurrent use.
type View struct {
	pool    *pgxpool.Pool
	name    string
	version int
	signal  *Signal
	maxWait time.Duration
	walled  bool
	polling chan struct{} // holds one token: who has it may poll
}

// Option changes a View.
type Option func(*View)

// WithSignal wakes waiters as soon as a runner in the same process, given the same signal, has committed.
func WithSignal(s *Signal) Option { return func(v *View) { v.signal = s } }

// WithMaxWait bounds the wait for a position otherwise than by MaxWait.
func WithMaxWait(d time.Duration) Option { return func(v *View) { v.maxWait = d } }

// NewView makes a view on a projection.
func NewView(pool *pgxpool.Pool, name string, version int, options ...Option) *View {
	v := &View{pool: pool, name: name, version: version, polling: make(chan struct{}, 1), maxWait: MaxWait}
	for _, option := range options {
		option(v)
	}
	return v
}

// Row scans the columns of the current row.
type Row func(dest ...any) error

// checkpointColumns come before the columns of the query.
const checkpointColumns = 4

// Read runs a query (whose first column is never NULL) together with the checkpoint, on one snapshot, and calls each
// for every row in the order that orderBy gives (columns of the query under the name r). Its arguments start at $3.
// With a minPosition it first waits for it, for at most MaxWait. Errors have code ledger_unavailable when the position
// is not reached, when the projection has not started, and while it is built for the first time. All tables of one answer
// are of one build: a switch between builds waits for the statement, or the statement for the switch. From answer to
// answer the position never goes back.
func (v *View) Read(ctx context.Context, minPosition int64, query, orderBy string, args []any, each func(Row) error) (At, error) {
	if err := v.WaitFor(ctx, minPosition); err != nil {
		return At{}, err
	}
	sql := `SELECT c.position, c.recorded_at, c.position < c.rebuild_to, c.build, r.*
		FROM views.checkpoints c LEFT JOIN LATERAL (` + query + `) r ON true
		WHERE c.name = $1 AND c.version = $2 ORDER BY ` + orderBy
	rows, err := v.query(ctx, sql, append([]any{v.name, v.version}, args...))
	if err != nil {
		return At{}, v.failed(err)
	}
	defer rows.Close()
	at, err := v.scan(rows, each)
	if err != nil {
		return At{}, err
	}
	if err := rows.Err(); err != nil {
		return At{}, v.failed(err)
	}
	return at, nil
}

func (v *View) scan(rows pgx.Rows, each func(Row) error) (At, error) {
	var at At
	found, rebuilding := false, false
	for rows.Next() {
		raw := rows.RawValues()
		dest := make([]any, len(raw)) // nil skips a column
		if !found {
			found = true
			dest[0], dest[1], dest[2], dest[3] = &at.Position, &at.AsOf, &rebuilding, &at.build
			if err := rows.Scan(dest...); err != nil {
				return At{}, fmt.Errorf("scan the checkpoint of %s: %w", v.name, err)
			}
		}
		if rebuilding || raw[checkpointColumns] == nil { // NULL by the join: the query has no rows
			break
		}
		clear(dest)
		row := func(columns ...any) error {
			copy(dest[checkpointColumns:], columns)
			return rows.Scan(dest...)
		}
		if err := each(row); err != nil {
			return At{}, fmt.Errorf("scan a row of %s: %w", v.name, err)
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return At{}, v.failed(err)
	}
	if !found {
		return At{}, domain.Errorf(domain.CodeUnavailable, "the %s view has not been built yet", v.name)
	}
	if rebuilding {
		return At{}, domain.Errorf(domain.CodeUnavailable, "the %s view is being rebuilt", v.name)
	}
	at.AsOf = at.AsOf.UTC()
	return at, nil
}

// failed keeps apart the end of the caller's context, a database that does not answer now, and a query that is wrong.
func (v *View) failed(err error) error {
	var server *pgconn.PgError
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
	case errors.As(err, &server) && !Outage(server):
	default:
		return domain.Errorf(domain.CodeUnavailable, "the %s view cannot be read now", v.name).Wrap(err)
	}
	return fmt.Errorf("read the %s view: %w", v.name, err)
}

// Outage says whether an error of the server means that it is going away, overloaded or busy, rather than that what it was
// asked is wrong.
func Outage(err *pgconn.PgError) bool {
	switch err.Code[:min(2, len(err.Code))] {
	case "08", "40", "53", "57": // connection, rollback by the server, resources, operator intervention
		return true
	}
	return err.Code == "25006" || err.Code == "55P03" // read-only after a switch-over; lock not available
}
