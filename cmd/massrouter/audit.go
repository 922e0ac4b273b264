package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/auditdb"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/database"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/commands"
)

const auditVerifyLong = `Verifies the whole ledger from its raw events, with code of its own, and compares every table with what the events
amount to. It reads one snapshot and changes nothing, so the service may go on.

  The log       positions without a gap, the leaf hash of every row, times, stream versions, every body decodes
  Money         the legs of every entry sum to zero, balances are the sums of the legs, no wallet below zero, the trial
                balance is zero at every position
  Calls         every hold at the price in force and within the key's caps, ended at most once; every charge line by
                line at the pinned price; the vendor's cost
  Audit trail   the chain of its entries, and an entry for every change by people and operators
  Tables        heads, stream versions, commands, snapshots, and every read model (balances, statements, keys,
                catalogue, calls) row by row, as of its own checkpoint

It ends with exit code 1 when anything is wrong, and names the position of each finding. A person who can write to the
database and makes leaf hashes anew can still invent a history that is right in itself: compare the printed root with one
that was kept elsewhere.`

type auditOptions struct {
	data     string
	database string
	keep     int
	bundles  []string
	key      string
}

func newAuditCommand(sh shell) *cobra.Command {
	return group("audit", "Verify the ledger", "Verifies the ledger independently of the code that wrote it.", newAuditVerifyCommand(sh),
		newAuditKeygenCommand(sh), newAuditCheckpointCommand(sh), newAuditProveCommand(sh),
		newAuditVerifyReceiptCommand(sh), newAuditVerifyTilesCommand(sh), newAuditWitnessCommand(sh), newAuditTrailCommand(sh))
}

func newAuditVerifyCommand(sh shell) *cobra.Command {
	var o auditOptions
	c := &cobra.Command{
		Use: "verify", Short: "Recompute everything from the events and compare", Args: exactly(0), Long: auditVerifyLong + auditBundleLong,
		Example: "  massrouter audit verify --data .massrouter\n  DATABASE_URL=postgres://… massrouter audit verify --json\n" +
			"  massrouter audit verify --bundle january --bundle february --key ledger.example.com+1a2b3c4d+AQID…",
		RunE: func(c *cobra.Command, _ []string) error { return auditVerify(c, sh, o) },
	}
	flags := c.Flags()
	flags.StringVar(&o.data, "data", "", "data folder of a running 'massrouter dev'")
	flags.StringVar(&o.database, "database", "", "the database, instead of DATABASE_URL; a password in it can be seen by others on this machine")
	flags.StringArrayVar(&o.bundles, "bundle", nil, "verify this folder of exported events instead; repeat it for more")
	flags.StringVar(&o.key, "key", "", "with --bundle: the log's public key, or a file with it")
	flags.IntVar(&o.keep, "findings", 100, "print at most so many findings; all are counted")
	return c
}

// auditGCPercent trades memory for time: much is read and soon forgotten.
const auditGCPercent = 400

func auditVerify(c *cobra.Command, sh shell, o auditOptions) error {
	if o.keep < 1 || o.keep > 1_000_000 {
		return usagef("--findings is between 1 and 1000000")
	}
	if len(o.bundles) > 0 {
		if o.data != "" || o.database != "" {
			return usagef("give --bundle, or a database; not both")
		}
		return verifyBundles(c, o)
	}
	if o.key != "" {
		return usagef("--key goes with --bundle")
	}
	address, err := auditDatabase(c, sh, o)
	if err != nil {
		return err
	}
	registry, err := commands.Registry()
	if err != nil {
		return err
	}
	pool, err := database.Open(c.Context(), address, auditdb.Connections)
	if err != nil {
		return err
	}
	defer pool.Close()
	defer debug.SetGCPercent(debug.SetGCPercent(auditGCPercent))
	p := printer(c)
	result, err := auditdb.Verify(c.Context(), pool, auditdb.Options{Registry: registry, Keep: o.keep, Progress: func(done, all, perSecond int64) {
		p.Progress("verified %d of %d events, %d/s", done, all, perSecond)
	}})
	if err != nil {
		return err
	}
	if err := p.Value(result, func(w io.Writer) { writeAudit(w, result) }); err != nil {
		return err
	}
	return auditFailure(result.Log)
}

func auditDatabase(c *cobra.Command, sh shell, o auditOptions) (string, error) {
	if o.database != "" {
		if o.data != "" {
			return "", usagef("give --data or --database, not both")
		}
		_, err := settings(c, sh, config.RoleLocal)
		return o.database, err
	}
	cfg, err := databaseSettings(c, sh, o.data)
	return cfg.Store.DatabaseURL.Reveal(), err
}

// auditFailure names the first position at which something is wrong.
func auditFailure(r *audit.Report) error {
	if r.FindingCount == 0 {
		return nil
	}
	first := r.Findings[0]
	for _, found := range r.Findings {
		if found.Position > 0 && (first.Position == 0 || found.Position < first.Position) {
			first = found
		}
	}
	text := fmt.Sprintf("the ledger does not verify: %d findings, the first at position %d (%s)", r.FindingCount, first.Position, first.Code)
	if r.FindingCount == 1 {
		text = fmt.Sprintf("the ledger does not verify: one finding, at position %d (%s)", first.Position, first.Code)
	}
	return errors.New(text)
}

func writeAudit(w io.Writer, r *auditdb.Result) {
	rows := make([][]string, 0, len(r.Tables))
	for _, t := range r.Tables {
		count := strconv.FormatInt(t.Rows, 10)
		if t.Note != "" {
			count = t.Note
		}
		rows = append(rows, []string{t.Name, count, strconv.FormatInt(t.Position, 10)})
	}
	output.Table(w, []string{"COMPARED", "ROWS", "AS OF POSITION"}, rows)
	_, _ = fmt.Fprintln(w) // w is a buffer, here and below
	rows = rows[:0]
	for _, s := range r.Log.Sums {
		rows = append(rows, []string{s.Class, s.Amount, s.Currency})
	}
	for _, s := range r.Log.TrialBalance {
		rows = append(rows, []string{"trial balance", s.Amount, s.Currency})
	}
	output.Table(w, []string{"ACCOUNTS", "SUM", ""}, rows)
	_, _ = fmt.Fprintln(w)
	output.Fields(w,
		"events", fmt.Sprintf("%d, from %s to %s", r.Log.Events, output.Time(r.Log.FirstRecorded), output.Time(r.Log.LastRecorded)),
		"wallets, keys, open holds", fmt.Sprintf("%d, %d, %d", r.Log.Wallets, r.Log.Keys, r.Log.OpenHolds),
		"root of the leaf hashes", r.Log.Root,
		"took", fmt.Sprintf("%s, %d events/s with all comparisons", r.Took.Round(time.Millisecond), r.PerSecond))
	_, _ = fmt.Fprintln(w)
	if r.OK {
		_, _ = fmt.Fprintln(w, "Everything agrees.")
		return
	}
	writeFindings(w, r.Log)
}

func writeFindings(w io.Writer, r *audit.Report) {
	byPosition := slices.SortedStableFunc(slices.Values(r.Findings), func(a, b audit.Finding) int { return cmp.Compare(a.Position, b.Position) })
	rows := make([][]string, 0, len(byPosition))
	for _, f := range byPosition {
		rows = append(rows, []string{strconv.FormatInt(f.Position, 10), string(f.Code), f.Where, f.Message})
	}
	output.Table(w, []string{"POSITION", "FINDING", "WHERE", "WHAT"}, rows)
	if more := r.FindingCount - int64(len(r.Findings)); more > 0 {
		_, _ = fmt.Fprintf(w, "and %d more\n", more)
	}
}
