package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/projections"
	"github.com/massrouter/massrouter/projections/runner"
)

// digestLine is a digest with --json.
type digestLine struct {
	Name     string            `json:"name"`
	Version  int               `json:"version"`
	Position int64             `json:"position"`
	Digest   string            `json:"digest"` // SHA-256 in hex
	Tables   []tableDigestLine `json:"tables"`
}

type tableDigestLine struct {
	Table  string `json:"table"`
	Rows   int64  `json:"rows"`
	Digest string `json:"digest"`
}

// comparisonLine is a comparison of two builds with --json.
type comparisonLine struct {
	Name        string           `json:"name"`
	Equal       bool             `json:"equal"`
	Live        digestLine       `json:"live"`
	Built       digestLine       `json:"built"`
	Differences []differenceLine `json:"differences"` // the first of each table
}

type differenceLine struct {
	Table string `json:"table"`
	Key   string `json:"key"`
	Kind  string `json:"kind"` // only_live, only_built or changed
}

func digestLineOf(d runner.Digest) digestLine {
	line := digestLine{Name: d.Name, Version: d.Version, Position: d.Position, Digest: d.Sum, Tables: make([]tableDigestLine, len(d.Tables))}
	for i, t := range d.Tables {
		line.Tables[i] = tableDigestLine{t.Table, t.Rows, t.Sum}
	}
	return line
}

func comparisonLineOf(c runner.Comparison) comparisonLine {
	line := comparisonLine{Name: c.Live.Name, Equal: c.Equal, Live: digestLineOf(c.Live), Built: digestLineOf(c.Built), Differences: make([]differenceLine, len(c.Differences))}
	for i, d := range c.Differences {
		line.Differences[i] = differenceLine{d.Table, d.Key, d.Kind}
	}
	return line
}

func newProjectionsDigestCommand(sh shell) *cobra.Command {
	position := int64(0)
	c := projectionsCommand(sh, &cobra.Command{
		Use: "digest NAME", Short: "Hash the whole content of a read model", Args: exactly(1),
		Long: "Prints a hash of all rows of a read model and the position of the log that they are of. Two builds with the same content have the " +
			"same digest, in whatever order their rows were written. With --position, what the read model is at that position is replayed " +
			"from the log into temporary tables, unless the live build is just there.",
		Example: "  massrouter projections digest balance\n  massrouter projections digest balance --position 100000 --json",
	}, func(ctx context.Context, c *cobra.Command, r *runner.Runner, args []string) error {
		if c.Flags().Changed("position") && position < 1 {
			return usagef("--position is 1 or more")
		}
		d, err := r.Digest(ctx, args[0], position)
		if err != nil {
			return err
		}
		line := digestLineOf(d)
		return printer(c).Value(line, func(w io.Writer) { writeDigest(w, line) })
	})
	c.Flags().Int64Var(&position, "position", 0, "position of the log; without it, where the live build is")
	return c
}

func writeDigest(w io.Writer, d digestLine) {
	output.Fields(w, "projection", fmt.Sprintf("%s v%d", d.Name, d.Version), "position", strconv.FormatInt(d.Position, 10), "digest", d.Digest)
	rows := make([][]string, len(d.Tables))
	for i, t := range d.Tables {
		rows[i] = []string{t.Table, strconv.FormatInt(t.Rows, 10), t.Digest}
	}
	output.Table(w, []string{"TABLE", "ROWS", "DIGEST"}, rows)
}

// atMost is for arguments that may be left out.
func atMost(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > n {
			return usagef("%q takes at most %d arguments, %d given", c.CommandPath(), n, len(args))
		}
		return nil
	}
}

// errViewsDiffer: what was found is in the output.
var errViewsDiffer = errors.New("a read model is not what the log makes of it")

func newProjectionsVerifyCommand(sh shell) *cobra.Command {
	return projectionsCommand(sh, &cobra.Command{
		Use: "verify [NAME]", Short: "Compare read models with a replay of the log", Args: atMost(1),
		Long: "Replays the log into temporary tables up to the position of the live build, compares the content, and names rows that differ. " +
			"Without a name, one read model after the other. Nothing is changed. It shows that the tables are what this code makes of the " +
			"log; 'massrouter audit verify' checks them against rules of its own.",
		Example: "  massrouter projections verify\n  massrouter projections verify balance --json",
	}, func(ctx context.Context, c *cobra.Command, r *runner.Runner, args []string) error {
		if len(args) == 0 {
			for _, p := range projections.All() {
				args = append(args, p.Name())
			}
		}
		lines, equal := make([]comparisonLine, 0, len(args)), true
		for _, name := range args {
			compared, err := r.Verify(ctx, name)
			if err != nil {
				return err
			}
			lines, equal = append(lines, comparisonLineOf(compared)), equal && compared.Equal
			printer(c).Note("%s: compared at position %d", name, compared.Live.Position)
		}
		err := printer(c).Value(lines, func(w io.Writer) {
			for _, line := range lines {
				writeComparison(w, line)
			}
		})
		if err == nil && !equal {
			return errViewsDiffer
		}
		return err
	})
}

func writeComparison(w io.Writer, c comparisonLine) {
	verdict := "the same"
	if !c.Equal {
		verdict = "DIFFERENT"
	}
	_, _ = fmt.Fprintf(w, "%s at position %d: %s\n", c.Name, c.Live.Position, verdict) // w is a buffer
	for i, live := range c.Live.Tables {
		if built := c.Built.Tables[i]; live != built {
			_, _ = fmt.Fprintf(w, "  %s: %d rows live, %d rows built\n", live.Table, live.Rows, built.Rows) // as above
		}
	}
	for _, d := range c.Differences {
		_, _ = fmt.Fprintf(w, "  %s\n", runner.Difference(d)) // as above
	}
}
