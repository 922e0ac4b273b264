package runner

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// content is everything in the tables of a build at one moment, held still until it is closed.
type content struct {
	tx       pgx.Tx
	p        Projection
	slot     Slot
	position int64
	release  func() // the connection
}

const (
	beginContent = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`
	// plainText fixes how values are written, whatever the session's settings are.
	plainText = `SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL bytea_output = 'hex';
		SET LOCAL extra_float_digits = 1; SET LOCAL jit = off`
)

// openContent begins to read a build. Its tables are locked against a switch before the snapshot is taken: a name that is looked
// up later would lead to the tables of another build, as they were when they were incomplete.
func openContent(ctx context.Context, conn *pgx.Conn, p Projection, s Slot) (*content, error) {
	names, err := baseNames(p)
	if err != nil {
		return nil, err
	}
	for i := range names {
		names[i] = s.name(names[i])
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: beginContent})
	if err != nil {
		return nil, fmt.Errorf("read the %s build of %s: %w", s, p.Name(), err)
	}
	c := &content{tx: tx, p: p, slot: s}
	var row checkpointRow
	if _, err = tx.Exec(ctx, plainText+`; LOCK TABLE `+strings.Join(names, ", ")+` IN ACCESS SHARE MODE`); err == nil {
		row, err = readCheckpoint(ctx, tx, p, s)
	}
	if err == nil && !row.found && s != Live {
		err = errGone
	}
	if err != nil {
		c.close(ctx)
		return nil, fmt.Errorf("read the %s build of %s: %w", s, p.Name(), err)
	}
	c.position = row.position
	return c, nil
}

func (c *content) close(ctx context.Context) {
	_ = c.tx.Rollback(context.WithoutCancel(ctx)) // nothing was written; a broken connection leaves the pool
	if c.release != nil {
		c.release()
	}
}
