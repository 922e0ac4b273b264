package main

import (
	"context"
	"errors"
	"os"
	"os/user"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/identity/auditlog"
)

const (
	// commandActor is who changes a database without the service, as the audit trail names it; who that was is beside it, as what is personal.
	commandActor = "operator:cli"
	commandRole  = "operator"
	// begun is added to the action of an entry that tells of what is about to be done.
	begun = ".begun"
	// entryPatience is for the entry of how it ended, also when the command was interrupted.
	entryPatience = 10 * time.Second
)

const deedHelp = `

Who does it, and why (--reason), is recorded in the audit trail. Write no personal data into a reason: it is kept for ever.`

// deed is what a command does to the database by itself, as the audit trail tells it.
type deed struct {
	action string
	reason string
}

// flags adds the flag that all commands have which change the database by themselves.
func (d *deed) flags(c *cobra.Command) *cobra.Command {
	c.Flags().StringVar(&d.reason, "reason", "", "why; recorded in the audit trail for ever")
	return c
}

// context is that of what the command does: entries that are written in it say who and why.
func (d *deed) context(ctx context.Context) (context.Context, error) {
	const most = 500
	if len(d.reason) > most {
		return nil, usagef("--reason has at most %d bytes", most)
	}
	if err := domain.CheckText("reason", d.reason); err != nil {
		return nil, usageError{err}
	}
	return trail.With(ctx, trail.NewScope(trail.Who{
		Actor: commandActor, Role: commandRole, Operation: d.action, Reason: d.reason, UserAgent: "massrouter " + version + " as " + commander(),
	})), nil
}

// commander is who runs this program, as the machine knows.
func commander() string {
	name, host := "somebody", "a machine"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}

// record does something that has no one transaction between two entries: one of what is about to be done, and one of how it ended. A process that dies in
// between leaves the first. Without the first, nothing is done. work returns what is to be told of the outcome.
func (d *deed) record(ctx context.Context, pool *pgxpool.Pool, target string, work func(context.Context) (after any, err error)) error {
	ctx, err := d.context(ctx)
	if err != nil {
		return err
	}
	if err := auditlog.Record(ctx, pool, trail.Change{Action: d.action + begun, Target: target}); err != nil {
		return err
	}
	after, err := work(ctx)
	return errors.Join(err, d.ended(ctx, pool, target, after, err))
}

// ended writes the entry of how something ended.
func (d *deed) ended(ctx context.Context, pool *pgxpool.Pool, target string, after any, failure error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), entryPatience)
	defer cancel()
	c := trail.Change{Target: target, After: after}
	if failure != nil {
		code := domain.CodeOf(failure)
		if c.Result, c.Code = trail.Refused, string(code); code == domain.CodeInternal {
			c.Result = trail.Failed
		}
	}
	return auditlog.Record(ctx, pool, c)
}
