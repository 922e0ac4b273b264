// Package script runs the plain-text scripts of the tests: what is given, what happens, what then holds. The
// language is described in domain/testdata/README.md. It is only used by tests.
package script

import (
	"errors"
	"fmt"
	"strings"
)

// statement is one line of a script with the indented lines below it.
type statement struct {
	line  int
	word  string // "given", "when" or "then"
	text  string
	table [][]string // the fields of each indented line
}

// Run runs a script. The error names the line that is wrong or does not hold.
func Run(text string) error {
	statements, err := parse(text)
	if err != nil {
		return err
	}
	w := newWorld()
	checked := false
	for _, s := range statements {
		if err := w.step(s); err != nil {
			return fmt.Errorf("line %d: %s %s: %w", s.line, s.word, s.text, err)
		}
		checked = checked || s.word == "then"
	}
	if w.refusal != nil {
		return fmt.Errorf("the last step was refused: %w", w.refusal)
	}
	if !checked {
		return errors.New("a script without a line that begins with \"then\" shows nothing")
	}
	return nil
}

func parse(text string) ([]statement, error) {
	var out []statement
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case strings.HasPrefix(line, " "):
			if len(out) == 0 {
				return nil, fmt.Errorf("line %d: an indented line belongs to the statement above it", i+1)
			}
			last := &out[len(out)-1]
			last.table = append(last.table, fields)
		case fields[0] == "given" || fields[0] == "when" || fields[0] == "then":
			out = append(out, statement{line: i + 1, word: fields[0], text: strings.Join(fields[1:], " ")})
		default:
			return nil, fmt.Errorf("line %d: a line begins with given, when, then, # or a space, not with %q", i+1, fields[0])
		}
	}
	return out, nil
}

// Title is the first comment of a script, which says what it shows; "" when it has none.
func Title(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	title, ok := strings.CutPrefix(line, "# ")
	if !ok {
		return ""
	}
	return title
}
