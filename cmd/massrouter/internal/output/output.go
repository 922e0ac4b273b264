// Package output prints results: tables and text for people, one JSON value with --json. Results go to the standard
// output, everything else to the standard error, so that a pipe sees results only.
package output

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Printer writes results and notes.
type Printer struct {
	Out  io.Writer
	Err  io.Writer
	JSON bool
}

// Value prints v as indented JSON with --json, else what text writes.
func (p *Printer) Value(v any, text func(w io.Writer)) error {
	if !p.JSON {
		var b strings.Builder
		text(&b)
		_, err := io.WriteString(p.Out, b.String())
		return err
	}
	enc := json.NewEncoder(p.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// Line prints v as one line: compact JSON with --json, else the text.
func (p *Printer) Line(v any, text string) error {
	if !p.JSON {
		_, err := fmt.Fprintln(p.Out, text)
		return err
	}
	enc := json.NewEncoder(p.Out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// Note tells a person something that is no result. With --json it is left out.
func (p *Printer) Note(format string, args ...any) {
	if !p.JSON {
		p.Progress(format, args...)
	}
}

// Progress says how far something long is, also with --json.
func (p *Printer) Progress(format string, args ...any) {
	_, _ = fmt.Fprintf(p.Err, format+"\n", args...) // nobody is left to tell
}

// Fields writes name and value pairs, aligned.
func Fields(w io.Writer, pairs ...string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := 0; i+1 < len(pairs); i += 2 {
		_, _ = fmt.Fprintf(t, "%s\t%s\n", pairs[i], pairs[i+1]) // w is a buffer
	}
	_ = t.Flush() // as above
}

// Table writes a head and rows, aligned.
func Table(w io.Writer, head []string, rows [][]string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, strings.Join(head, "\t")) // w is a buffer
	for _, row := range rows {
		_, _ = fmt.Fprintln(t, strings.Join(row, "\t")) // as above
	}
	_ = t.Flush() // as above
}

// Time is how moments are shown to people; "–" for none.
func Time(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05 MST")
}
