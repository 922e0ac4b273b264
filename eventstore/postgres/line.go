package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/eventstore/pgwire"
)

// line is the connection on which batches are sent one behind the other. It is taken from the pool for the first and
// given back after the last, so that nobody else's statements come between.
type line struct {
	pool *pgxpool.Pool

	sending sync.Mutex // held while a batch is sent, which makes the order
	mu      sync.Mutex
	call    *call // nil while nothing is under way
}

// call is a connection with something under way on it.
type call struct {
	conn     *pgxpool.Conn
	underway int           // guarded by the line's mu
	answered chan struct{} // closed when what was sent last has its answer; guarded by the line's sending
}

// send sends steps behind those that are under way, after prepare has run on the connection if it says that it has to.
// received is called once with the answer.
func (l *line) send(ctx context.Context, steps []pgwire.Step, prepare preparation, received func([]byte, error)) {
	l.sending.Lock()
	defer l.sending.Unlock()
	c, err := l.join(ctx)
	if err != nil {
		received(nil, classify(fmt.Errorf("append: %w", err)))
		return
	}
	if err := c.ready(ctx, steps, prepare); err != nil {
		l.leave(c, err)
		received(nil, classify(fmt.Errorf("append: %w", err)))
		return
	}
	before, answered := c.answered, make(chan struct{})
	c.answered = answered
	if err := pgwire.Put(ctx, c.conn.Conn(), steps); err != nil {
		err = commitError(fmt.Errorf("append: %w", err), true)
		close(answered)
		l.leave(c, err)
		received(nil, err)
		return
	}
	go func() {
		<-before
		answer, err := pgwire.Get(ctx, c.conn.Conn())
		if err != nil {
			err = commitError(fmt.Errorf("append: %w", err), true)
		}
		close(answered)
		l.leave(c, err)
		received(answer.First, err)
	}()
}

// join finds the call, or makes one.
func (l *line) join(ctx context.Context) (*call, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	c := l.call
	if c != nil {
		c.underway++
	}
	l.mu.Unlock()
	if c != nil {
		return c, nil
	}
	conn, err := l.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	none := make(chan struct{})
	close(none)
	c = &call{conn: conn, underway: 1, answered: none}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.call = c
	return c, nil
}

// leave gives the connection back when nothing is under way on it any more. After an error that is not the server's
// refusal it may be broken, and is not used for the next batch. (Whether it is closed cannot be asked while somebody else
// reads from it.)
func (l *line) leave(c *call, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.underway--
	var refused *pgconn.PgError
	if l.call == c && (c.underway == 0 || (err != nil && !errors.As(err, &refused))) {
		l.call = nil
	}
	if c.underway == 0 {
		c.conn.Release() // the pool discards closed connections
	}
}

// preparation is what has to be done on a connection before a batch may be sent; needed says whether it is.
type preparation struct {
	needed func() bool
	run    func(context.Context, *pgxpool.Conn) error
}

// ready prepares statements and what else is needed. Both read answers, so they wait for those under way.
func (c *call) ready(ctx context.Context, steps []pgwire.Step, prepare preparation) error {
	if needed := prepare.needed(); needed || !pgwire.Prepared(c.conn.Conn(), steps) {
		select {
		case <-c.answered:
		case <-ctx.Done():
			return ctx.Err()
		}
		if needed {
			if err := prepare.run(ctx, c.conn); err != nil {
				return err
			}
		}
	}
	return pgwire.Prepare(ctx, c.conn.Conn(), steps)
}
