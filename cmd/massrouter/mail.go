package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/database"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/identity/auditlog"
	"github.com/massrouter/massrouter/reactors/mail"
)

const mailLong = `Mails to people wait in the database until 'massrouter work' has handed them to the mail server. One that the server never takes, or that could not be
handed over for about a day, is given up; it is remembered for 30 days. DATABASE_URL names the database.`

func newMailCommand(sh shell) *cobra.Command {
	return group("mail", "Mails that could not be sent", mailLong, newMailFailedCommand(sh), newMailRetryCommand(sh))
}

// withMails opens the database.
func withMails(c *cobra.Command, sh shell, data string, work func(context.Context, *pgxpool.Pool) error) error {
	cfg, err := databaseSettings(c, sh, data)
	if err != nil {
		return err
	}
	pool, err := database.Open(c.Context(), cfg.Store.DatabaseURL.Reveal(), 2)
	if err != nil {
		return err
	}
	defer pool.Close()
	return work(c.Context(), pool)
}

// failedMail is one as it is shown.
type failedMail struct {
	ID        uuid.UUID `json:"mail_id"`
	To        string    `json:"to"`
	Kind      string    `json:"kind"`
	CreatedAt time.Time `json:"created_at"`
	FailedAt  time.Time `json:"failed_at"`
	Attempts  int       `json:"attempts"`
	Error     string    `json:"error"`
}

func newMailFailedCommand(sh shell) *cobra.Command {
	const most = 1000
	data, limit := "", 50
	c := &cobra.Command{
		Use: "failed", Short: "List mails that were given up", Args: exactly(0),
		Long:    "Lists mails that were given up, the one that failed last first, with what the mail server said.",
		Example: "  massrouter mail failed\n  massrouter mail failed --limit 1000 --json",
		RunE: func(c *cobra.Command, _ []string) error {
			if limit < 1 || limit > most {
				return usagef("--limit is between 1 and %d", most)
			}
			return withMails(c, sh, data, func(ctx context.Context, pool *pgxpool.Pool) error {
				all, err := mail.ListFailed(ctx, pool, limit)
				if err != nil {
					return err
				}
				shown, rows := make([]failedMail, len(all)), make([][]string, len(all))
				for i, m := range all {
					shown[i] = failedMail{m.ID, string(m.To), string(m.Kind), m.CreatedAt.UTC(), m.FailedAt.UTC(), m.Attempts, m.Error}
					rows[i] = []string{m.ID.String(), string(m.Kind), output.Time(m.FailedAt), strconv.Itoa(m.Attempts), string(m.To), m.Error}
				}
				return printer(c).Value(shown, func(w io.Writer) {
					output.Table(w, []string{"MAIL", "KIND", "FAILED", "ATTEMPTS", "TO", "ERROR"}, rows)
				})
			})
		},
	}
	c.Flags().StringVar(&data, "data", "", "data folder of a running 'massrouter dev'")
	c.Flags().IntVar(&limit, "limit", limit, "at most so many")
	return c
}

func newMailRetryCommand(sh shell) *cobra.Command {
	data, all, d := "", false, deed{action: "mail.retry"}
	c := &cobra.Command{
		Use: "retry [MAIL]", Short: "Try to send mails again that were given up", Args: cobra.MaximumNArgs(1),
		Long: "Makes a mail that was given up due again, or with --all every one, as after the mail server was away. Links in mails are made when they are sent, " +
			"so they are good for their full time." + deedHelp,
		Example: "  massrouter mail retry 018f0000-0000-7000-8000-000000000000\n  massrouter mail retry --all --reason 'the mail server was away'",
		RunE: func(c *cobra.Command, args []string) error {
			if all == (len(args) == 1) {
				return usagef("say which mail, or --all")
			}
			id, target := uuid.Nil, ""
			if !all {
				var err error
				if id, err = parseID("mail", args[0]); err != nil {
					return err
				}
				target = trail.Of("mail", id)
			}
			ctx, err := d.context(c.Context())
			if err != nil {
				return err
			}
			n := int64(1)
			err = withMails(c, sh, data, func(_ context.Context, pool *pgxpool.Pool) error {
				return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) (err error) {
					if all {
						n, err = mail.RetryAll(ctx, tx, time.Now())
					} else {
						err = mail.Retry(ctx, tx, id, time.Now())
					}
					if err != nil || n == 0 {
						return err
					}
					return auditlog.Record(ctx, tx, trail.Change{Target: target, After: map[string]int64{"mails": n}})
				})
			})
			if err != nil {
				return err
			}
			return printer(c).Value(map[string]int64{"mails": n}, func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "mails that are due again: %d\n", n) // nobody is left to tell
			})
		},
	}
	c.Flags().StringVar(&data, "data", "", "data folder of a running 'massrouter dev'")
	c.Flags().BoolVar(&all, "all", false, "all that were given up")
	return d.flags(c)
}
