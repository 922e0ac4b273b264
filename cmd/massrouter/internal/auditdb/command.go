package auditdb

import (
	"context"
	"strconv"
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
	screened *screened // of the commands that were done; then rows has the refused ones only
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

const (
	commandsTable  = "ledger.commands"
	commandColumns = `command_id, position, at, refused`
	commandOrder   = ` ORDER BY position, refused, command_id`
)

func newCommands(ctx context.Context, s *session, findings *audit.Findings) (comparer, error) {
	c := &commands{s: s, findings: findings, table: Table{Name: commandsTable}}
	shard, which := ` WHERE shard = `+strconv.Itoa(int(s.shard)), ""
	if s.screen != nil {
		c.screened = s.screen.add(commandsTable, commandColumns, shard+` AND NOT refused`)
		which = ` AND refused`
	}
	var err error
	c.rows, err = openCursor(ctx, s, commandsTable, `SELECT `+commandColumns+` FROM `+commandsTable+shard+which+commandOrder, func(r *row) commandRow {
		return commandRow{r.uuid(0), r.int64(1), r.time(2), r.bool(3)}
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *commands) tables() []Table {
	table := c.table
	if c.screened != nil {
		table.Rows += c.screened.stored.rows
	}
	return []Table{table}
}

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
	if c.screened != nil && !found {
		e := &c.screened.want
		e.begin()
		e.uuid(c.run.id)
		e.int64(c.run.position)
		e.time(c.run.at)
		e.bool(false)
		e.end()
		found = true
	}
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
