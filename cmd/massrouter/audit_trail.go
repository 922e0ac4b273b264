package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/http/openapi/client"
)

const auditTrailLong = `The audit trail says who did what: every change by people and operators, over the console and this program, what was refused, and the reads of what is
sensitive. Entries are never changed; each is chained to the one before it.`

func newAuditTrailCommand(sh shell) *cobra.Command {
	return group("trail", "Show, export and verify who did what", auditTrailLong, newAuditTrailListCommand(sh), newAuditTrailExportCommand(sh), newAuditTrailVerifyCommand(sh))
}

// trailFilter is which entries are asked for.
type trailFilter struct {
	actor, role, action, target, result, wallet, from, to string
}

func (f *trailFilter) flags(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.actor, "actor", "", "only what this actor did, for example user:018f… or operator:token")
	flags.StringVar(&f.role, "role", "", "only what was done in this role, for example owner, operator or platform:auditor")
	flags.StringVar(&f.action, "action", "", "only this action, for example TopUpWallet")
	flags.StringVar(&f.target, "target", "", "only what was done to this, for example key:018f…")
	flags.StringVar(&f.result, "result", "", "done, unchanged, read, refused or failed")
	flags.StringVar(&f.wallet, "wallet", "", "only what belongs to this wallet or its organisation")
	flags.StringVar(&f.from, "from", "", "recorded at or after this time (RFC 3339)")
	flags.StringVar(&f.to, "to", "", "recorded before this time (RFC 3339)")
}

// read reads what is no text.
func (f *trailFilter) read() (wallet *uuid.UUID, from, to *time.Time, err error) {
	if f.wallet != "" {
		id, err := parseID("wallet", f.wallet)
		if err != nil {
			return nil, nil, nil, err
		}
		wallet = &id
	}
	for _, t := range []struct {
		flag, text string
		to         **time.Time
	}{{"--from", f.from, &from}, {"--to", f.to, &to}} {
		if t.text == "" {
			continue
		}
		parsed, err := time.Parse(time.RFC3339, t.text)
		if err != nil {
			return nil, nil, nil, usagef("%s %q is no time such as 2026-08-01T00:00:00Z", t.flag, t.text)
		}
		*t.to = &parsed
	}
	return wallet, from, to, nil
}

func newAuditTrailListCommand(sh shell) *cobra.Command {
	var o operator
	var f trailFilter
	var cursor string
	limit := 0
	c := &cobra.Command{
		Use: "list", Short: "Show entries, the newest first", Args: exactly(0),
		Long:    "Shows a page of the audit trail, the newest entries first. That you have looked is an entry, too." + reachHelp,
		Example: "  massrouter audit trail list --actor operator:token --result refused\n  massrouter audit trail list --role platform:finance --action AdjustWallet\n  massrouter audit trail list --target key:018f0000-0000-7000-8000-000000000000 --json",
		RunE: func(c *cobra.Command, _ []string) error {
			wallet, from, to, err := f.read()
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.ListAuditEntriesWithResponse(c.Context(), &client.ListAuditEntriesParams{
				Actor: pointer(f.actor), Role: pointer(f.role), Action: pointer(f.action), Target: pointer(f.target), Result: pointer(f.result), WalletID: wallet,
				From: from, To: to, Cursor: pointer(cursor), Limit: pointer(limit),
			})
			if err != nil {
				return err
			}
			page, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(page, func(w io.Writer) { writeTrail(w, page) })
		},
	}
	f.flags(c)
	c.Flags().StringVar(&cursor, "cursor", "", "the next page, as the page before says")
	c.Flags().IntVar(&limit, "limit", 0, "at most so many (default: 50)")
	return o.flags(c, false)
}

func writeTrail(w io.Writer, page *client.AuditEntryPage) {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	rows := make([][]string, 0, len(page.Items))
	for i := range page.Items {
		e := &page.Items[i]
		address, result := "", e.Result
		if e.Personal != nil {
			address = text(e.Personal.Address)
		}
		if e.Code != nil {
			result += " (" + *e.Code + ")"
		}
		rows = append(rows, []string{output.Time(e.RecordedAt), e.Actor, text(e.Role), e.Action, text(e.Target), result, address, text(e.Reason)})
	}
	output.Table(w, []string{"TIME", "ACTOR", "ROLE", "ACTION", "TARGET", "RESULT", "ADDRESS", "REASON"}, rows)
	if page.NextCursor != nil {
		_, _ = fmt.Fprintf(w, "\nmore with --cursor %s\n", *page.NextCursor) // w is a buffer
	}
}

// trailExportTime is how long a service writes a file at most.
const trailExportTime = 15 * time.Minute

func newAuditTrailExportCommand(sh shell) *cobra.Command {
	o := operator{patience: trailExportTime}
	var f trailFilter
	var format, out string
	c := &cobra.Command{
		Use: "export", Short: "Write entries to a file", Args: exactly(0),
		Long: "Writes all entries that the flags mean, the newest first, as JSON Lines or CSV: to the standard output, or to a new file. " +
			"An export that breaks off fails, and its file is removed. It is an entry of the trail itself, and needs the permission audit.export." + reachHelp,
		Example: "  massrouter audit trail export --format csv --from 2026-08-01T00:00:00Z --to 2026-09-01T00:00:00Z --out august.csv",
		RunE: func(c *cobra.Command, _ []string) error {
			wallet, from, to, err := f.read()
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.ExportAuditEntries(c.Context(), &client.ExportAuditEntriesParams{
				Format: format, Actor: pointer(f.actor), Role: pointer(f.role), Action: pointer(f.action), Target: pointer(f.target), Result: pointer(f.result),
				WalletID: wallet, From: from, To: to,
			})
			if err != nil {
				return err
			}
			const ok = 200
			if r.StatusCode != ok {
				refused, err := client.ParseExportAuditEntriesResponse(r)
				if err != nil {
					return err
				}
				_, err = answer[struct{}](nil, refused.ApplicationProblemJSONDefault, refused.Status())
				return err
			}
			defer func() { _ = r.Body.Close() }() // it was read to its end, or nobody wants the rest
			if out == "" {
				_, err = io.Copy(c.OutOrStdout(), r.Body)
				return err
			}
			return writeNew(out, r.Body)
		},
	}
	f.flags(c)
	c.Flags().StringVar(&format, "format", "jsonl", "jsonl or csv")
	c.Flags().StringVar(&out, "out", "", "a new file (default: the standard output)")
	return o.flags(c, false)
}

// writeNew writes a file that is not there yet, whole or not at all.
func writeNew(name string, from io.Reader) error {
	const owner = 0o600
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, owner) //nolint:gosec // whoever calls it names the file
	if err != nil {
		return fmt.Errorf("make the file: %w", err)
	}
	_, err = io.Copy(file, from)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write the file: %w", errors.Join(err, os.Remove(name)))
	}
	return nil
}

// trailFailure says how much is wrong.
func trailFailure(n int, first string) error {
	if n == 1 {
		return fmt.Errorf("the audit trail does not verify: one finding: %s", first)
	}
	return fmt.Errorf("the audit trail does not verify: %d findings, the first: %s", n, first)
}
