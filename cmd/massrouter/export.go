package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/projections/export"
)

const exportRangeHelp = `

The range is given by positions or by times (RFC 3339, or a date, which is its first moment in UTC). A position is in the
range at both ends; of times, --from is in it and --to is not, so that one month's --to is the next one's --from. Without
--from the export begins at position 1, without --to it ends where the log ends now.

The folder gets parts of bounded size and, last of all, manifest.json: how many rows there are, the first and last
position and time, the sums of the legs by group of accounts, the Merkle root of the leaf hashes, and the SHA-256 of each
file. No manifest means: not finished. When an export was interrupted, run the same command again: it continues after the
last whole part. The service may go on meanwhile.`

const exportEventsLong = `Writes the events of a range as they are stored, every column of every event: for auditors, warehouses and archives.

  ndjson    one JSON object a line; "body" is text whose characters are the stored bytes
  csv       RFC 4180; a text that a spreadsheet could take for a formula has an apostrophe in front
  parquet   with typed columns, compressed with zstd; the smallest and the fastest to read` + exportRangeHelp + `

Verify the folder, here or anywhere else, without a database: massrouter audit verify --bundle DIR. What stands in the
files, field by field, is in docs/audit.md. They hold the salts of the leaf hashes: who has them can prove, and guess, what
is in the transparency log.`

const exportJournalLong = `Writes the journal of a range for finance: one row for each leg of each entry, with position, number of the leg, time,
type of the event, wallet, generation, account, currency, amount and event id. Credits are positive, debits negative, and
the legs of one position sum to zero. Amounts are exact: decimal numbers in CSV, DECIMAL(30, 12) in Parquet.` + exportRangeHelp

// exportFlags are what the command line gives.
type exportFlags struct {
	kind                     export.Kind
	from, to, format, out    string
	data                     string
	partEvents, partMegabyte int64
}

func newExportCommand(sh shell) *cobra.Command {
	return group("export", "Write the ledger to files or to Kafka", "Writes ranges of the ledger to files, each folder with a manifest that it can be verified by, or to a Kafka topic.",
		newExportKindCommand(sh, &cobra.Command{
			Use: "events", Short: "Events as they are stored, for auditors and warehouses", Long: exportEventsLong,
			Example: "  massrouter export events --from 2026-03-01 --to 2026-04-01 --format parquet --out march\n" +
				"  massrouter export events --from 1 --to 5000 --format ndjson --out first --data .data",
		}, exportFlags{kind: export.Events, format: string(export.NDJSON)}),
		newExportKindCommand(sh, &cobra.Command{
			Use: "journal", Short: "One row for each leg of each entry, for finance", Long: exportJournalLong,
			Example: "  massrouter export journal --from 2026-03-01 --to 2026-04-01 --format csv --out march-journal",
		}, exportFlags{kind: export.Journal, format: string(export.CSV)}),
		newExportKafkaCommand(sh))
}

func newExportKindCommand(sh shell, c *cobra.Command, o exportFlags) *cobra.Command {
	c.Args = exactly(0)
	c.RunE = func(c *cobra.Command, _ []string) error { return runExport(c, sh, &o) }
	formats := "ndjson, csv or parquet"
	if o.kind == export.Journal {
		formats = "csv or parquet"
	}
	flags := c.Flags()
	flags.StringVar(&o.from, "from", "", "first position, or time from which on (default: the beginning)")
	flags.StringVar(&o.to, "to", "", "last position, or time before which (default: the end of the log)")
	flags.StringVar(&o.format, "format", o.format, formats)
	flags.StringVar(&o.out, "out", "", "folder to write to: a new one, or that of the same export to continue")
	flags.StringVar(&o.data, "data", "", "data folder of a running 'massrouter dev'")
	flags.Int64Var(&o.partEvents, "part-events", export.DefaultPartEvents, "most events in a file")
	flags.Int64Var(&o.partMegabyte, "part-mb", export.DefaultPartBytes>>20, "most megabytes of event bodies in a file, before compression")
	return c
}

const mostMegabytes = 1 << 20

func runExport(c *cobra.Command, sh shell, o *exportFlags) error {
	if o.out == "" {
		return usagef("--out is needed: the folder to write to")
	}
	if o.partEvents < 1 || o.partMegabyte < 1 || o.partMegabyte > mostMegabytes {
		return usagef("--part-events and --part-mb are 1 or more, --part-mb at most %d", mostMegabytes)
	}
	from, err := export.ParseBound(o.from)
	if err != nil {
		return usageError{fmt.Errorf("--from: %w", err)}
	}
	to, err := export.ParseBound(o.to)
	if err != nil {
		return usageError{fmt.Errorf("--to: %w", err)}
	}
	registry, err := commands.Registry()
	if err != nil {
		return err
	}
	log, closeLog, err := openLog(c, sh, o.data)
	if err != nil {
		return err
	}
	defer closeLog()
	span, err := export.Resolve(c.Context(), log, from, to, time.Now())
	if err != nil {
		return err
	}
	p, began := printer(c), time.Now()
	told := began
	m, err := export.Run(c.Context(), log, export.Options{
		Kind: o.kind, Format: export.Format(o.format), Range: span, Dir: o.out, Registry: registry,
		PartEvents: o.partEvents, PartBytes: o.partMegabyte << 20,
		Progress: func(done, all int64) {
			if now := time.Now(); now.Sub(told) >= time.Second {
				told = now
				p.Progress("exported %d of %d events", done, all)
			}
		},
	})
	if m == nil {
		return exportFailure(c, err)
	}
	return errors.Join(p.Value(m, func(w io.Writer) { writeManifest(w, o.out, m, time.Since(began)) }), err)
}

// exportFailure says how to go on after a person has interrupted the export.
func exportFailure(c *cobra.Command, err error) error {
	if c.Context().Err() != nil {
		return errors.New("interrupted; the same command continues after the last whole part")
	}
	return err
}

func writeManifest(w io.Writer, dir string, m *export.Manifest, took time.Duration) {
	rows := make([][]string, 0, len(m.Sums)+len(m.Totals))
	for _, s := range m.Sums {
		rows = append(rows, []string{s.Group, s.Amount, s.Currency})
	}
	for _, s := range m.Totals {
		rows = append(rows, []string{"total", s.Amount, s.Currency})
	}
	output.Table(w, []string{"ACCOUNTS", "SUM OF THE LEGS", ""}, rows)
	_, _ = fmt.Fprintln(w) // w is a buffer
	output.Fields(w,
		"written", fmt.Sprintf("%s: %d files and %s", dir, len(m.Files), export.ManifestName),
		"positions", fmt.Sprintf("%d to %d, from %s to %s", m.FirstPosition, m.LastPosition, output.Time(m.FirstRecordedAt), output.Time(m.LastRecordedAt)),
		"events, rows", fmt.Sprintf("%d, %d", m.Events, m.Rows),
		"root of the leaf hashes", m.Tree.Root+" (of the "+m.Tree.Of+", size "+strconv.FormatInt(m.Tree.Size, 10)+")",
		"took", took.Round(time.Millisecond).String())
}
