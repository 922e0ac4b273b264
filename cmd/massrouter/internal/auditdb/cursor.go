package auditdb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// cursor reads the rows of a query one by one, over a connection of its own: the server works ahead.
type cursor[T any] struct {
	tx     pgx.Tx
	rows   pgx.Rows
	scan   func(*row) T
	name   string
	head   T // the next row, when more
	more   bool
	passed int64 // rows that were taken
}

// openCursor runs a query whose rows come in the order in which they are compared.
func openCursor[T any](ctx context.Context, s *session, name, query string, scan func(*row) T, args ...any) (*cursor[T], error) {
	tx, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	c := &cursor[T]{tx: tx, scan: scan, name: name}
	c.rows, err = tx.Query(ctx, query, append([]any{inBinary()}, args...)...) //nolint:rowserrcheck // advance checks it
	if err != nil {
		abandon(ctx, tx)
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if err := c.advance(); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// advance makes the next row the head.
func (c *cursor[T]) advance() error {
	if c.more = c.rows.Next(); !c.more {
		if err := c.rows.Err(); err != nil {
			return fmt.Errorf("read %s: %w", c.name, err)
		}
		return nil
	}
	r := row{values: c.rows.RawValues()}
	if c.head = c.scan(&r); r.err != nil {
		return fmt.Errorf("read %s: %w", c.name, r.err)
	}
	return nil
}

// take returns the head and moves on.
func (c *cursor[T]) take() (T, error) {
	head := c.head
	c.passed++
	return head, c.advance()
}

func (c *cursor[T]) close() {
	if c == nil {
		return
	}
	c.rows.Close()
	abandon(context.Background(), c.tx)
}
