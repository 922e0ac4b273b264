package main

import (
	"fmt"
	"io"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/audit/bundle"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/commands"
)

const auditBundleLong = `

With --bundle it verifies exported files instead, without a database and without a network: the SHA-256 of each file, the
manifest, everything about the log, and the sums and the Merkle root that the manifest states. Give --bundle once for each
folder of 'massrouter export events'; folders whose ranges join are verified as one log. When the first begins at position 1,
everything above but the tables is verified; else what needs the events before (balances, holds, keys, prices) is left out.
With --key the file 'checkpoint' in a folder has to be a checkpoint that this key signed, and the events must give its root.`

// verifyBundles is 'audit verify --bundle'.
func verifyBundles(c *cobra.Command, o auditOptions) error {
	options := bundle.Options{Dirs: o.bundles, Keep: o.keep}
	if o.key != "" {
		key, err := publicKey("key", o.key)
		if err != nil {
			return err
		}
		options.Key = key
	}
	var err error
	if options.Registry, err = commands.Registry(); err != nil {
		return err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(auditGCPercent))
	p, began := printer(c), time.Now()
	options.Progress = func(done, all int64) { p.Progress("verified %d of %d events", done, all) }
	report, err := bundle.Verify(c.Context(), options)
	if err != nil {
		return err
	}
	took := time.Since(began)
	if err := p.Value(report, func(w io.Writer) { writeBundles(w, report, took) }); err != nil {
		return err
	}
	return auditFailure(report.Log)
}

func writeBundles(w io.Writer, r *bundle.Report, took time.Duration) {
	var rows [][]string
	for _, f := range r.Folders {
		rows = append(rows, []string{f.Dir, f.Format, strconv.Itoa(f.Files), strconv.FormatInt(f.FirstPosition, 10), strconv.FormatInt(f.LastPosition, 10)})
	}
	output.Table(w, []string{"FOLDER", "FORMAT", "FILES", "FROM POSITION", "TO"}, rows)
	rows = rows[:0]
	for _, f := range r.Folders {
		for _, s := range f.Sums {
			rows = append(rows, []string{f.Dir, s.Class, s.Amount, s.Currency})
		}
	}
	_, _ = fmt.Fprintln(w) // w is a buffer, here and below
	output.Table(w, []string{"FOLDER", "ACCOUNTS", "SUM OF THE LEGS", ""}, rows)
	if r.Complete {
		rows = rows[:0]
		for _, s := range r.Log.TrialBalance {
			rows = append(rows, []string{s.Amount, s.Currency})
		}
		_, _ = fmt.Fprintln(w)
		output.Table(w, []string{"TRIAL BALANCE", ""}, rows)
	}
	_, _ = fmt.Fprintln(w)
	output.Fields(w,
		"events", fmt.Sprintf("%d, from %s to %s", r.Log.Events, output.Time(r.Log.FirstRecorded), output.Time(r.Log.LastRecorded)),
		"root of the leaf hashes", r.Log.Root,
		"signed checkpoints", checkpointsText(r.Checkpoints),
		"took", took.Round(time.Millisecond).String())
	_, _ = fmt.Fprintln(w)
	if !r.OK {
		writeFindings(w, r.Log)
		return
	}
	_, _ = fmt.Fprintln(w, "Everything agrees.")
	if !r.Complete {
		_, _ = fmt.Fprintln(w, "The events do not begin at position 1: balances, holds, keys and prices were not followed. Add the folders of earlier ranges.")
	}
}

func checkpointsText(sizes []int64) string {
	if len(sizes) == 0 {
		return "none was looked at"
	}
	var texts []string
	for _, size := range sizes {
		texts = append(texts, "size "+strconv.FormatInt(size, 10))
	}
	return strings.Join(texts, ", ")
}
