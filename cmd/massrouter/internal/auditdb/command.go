package auditdb

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/audit"
)

// commands compares ledger.commands with the events: the events of a command stand together, and its row has the position
// and the time of the last of them. A command without events was refused, and points at what was the end of the log.
// What a command was asked and what it answered cannot be worked out from events: input_hash and outcome are not compared.
type commands struct {
	s        *session
	findings *audit.Findings
	table    Table
	rows     *cursor[commandRow]
	run      run
}

type commandRow struct {
	id       uuid.UUID
	position int64
	at       time.Time
	refused  bool
}

// run is a command's events so far.
type run struct {
	id       uuid.UUID
	position int64 // of the last one; 0 before the first run
	at       time.Time
}

const commandsSQL = `SELECT command_id, position, at, refused FROM ledger.commands WHERE shard = $1 ORDER BY position, refused, command_id`

func newCommands(ctx context.Context, s *session, findings *audit.Findings) (comparer, error) {
	rows, err := openCursor(ctx, s, "ledger.commands", commandsSQL, func(r *row) commandRow {
		return commandRow{r.uuid(0), r.int64(1), r.time(2), r.bool(3)}
	}, s.shard)
	if err != nil {
		return nil, err
	}
	return &commands{s: s, findings: findings, table: Table{Name: "ledger.commands"}, rows: rows}, nil
}

func (c *commands) tables() []Table { return []Table{c.table} }

func (c *commands) close() { c.rows.close() }

// Observe compares a command when the next one begins.
func (c *commands) Observe(_ context.Context, step *audit.Step) error {
	if c.run.position > 0 && step.Row.CommandID == c.run.id {
		c.run.position, c.run.at = step.Row.Position, step.Row.RecordedAt
		return nil
	}
	if err := c.finish(); err != nil {
		return err
	}
	c.run = run{step.Row.CommandID, step.Row.Position, step.Row.RecordedAt}
	return nil
}

// finish compares all rows up to the end of the run.
func (c *commands) finish() error {
	found := c.run.position == 0
	for c.rows.more && c.rows.head.position <= c.run.position {
		r, err := c.rows.take()
		if err != nil {
			return err
		}
		d := &diff{c.findings, r.position, c.table.Name, r.id.String}
		switch {
		case r.id == c.run.id && r.position == c.run.position:
			found = true
			same(d, "refused", r.refused, false)
			d.time("at", r.at, c.run.at)
		case !r.refused:
			d.report(RowExtra, "the command was done, but its last event is not at position %d", r.position)
		case r.position < 0:
			d.report(RowExtra, "there is no position %d", r.position)
		case r.position == c.run.position && r.at.Before(c.run.at):
			d.differs("at", r.at, c.run.at)
		}
	}
	if !found {
		c.findings.Addf(c.run.position, RowMissing, c.table.Name+" "+c.run.id.String(), "the command's last event is at position %d", c.run.position)
	}
	return nil
}

// End compares what is left.
func (c *commands) End(_ context.Context, state *audit.State) error {
	if err := c.finish(); err != nil {
		return err
	}
	for c.rows.more {
		r, err := c.rows.take()
		if err != nil {
			return err
		}
		c.findings.Addf(r.position, RowExtra, c.table.Name+" "+r.id.String(), "points at position %d, past the end of the log", r.position)
	}
	c.table.Rows, c.table.Position = c.rows.passed, state.Position
	return nil
}
