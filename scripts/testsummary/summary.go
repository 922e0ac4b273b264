package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// event is what "go test -json" writes per line; see "go doc test2json".
type event struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

// summary counts tests (subtests too) and the packages that failed outside of any test.
type summary struct {
	passed          int
	failed, skipped []string // "package.Test", or "package" alone
	reasons         []string // what the failed ones printed, in the same order
}

// read consumes events until the end of the stream. Output is held back until a test or package has failed.
func (s *summary) read(in io.Reader, progress io.Writer) error {
	held := map[string][]string{}
	failedTests := map[string]bool{} // packages in which a test failed
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				_, _ = progress.Write(line) // not an event: a message of the go command itself
			} else {
				s.take(e, held, failedTests, progress)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read test events: %w", err)
		}
	}
}

func (s *summary) take(e event, held map[string][]string, failedTests map[string]bool, progress io.Writer) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		held[key] = append(held[key], e.Output)
	case "build-output":
		_, _ = io.WriteString(progress, e.Output)
	case "pass":
		if e.Test == "" {
			_, _ = fmt.Fprintf(progress, "ok    %s (%.1fs)\n", e.Package, e.Elapsed)
		} else {
			s.passed++
		}
		delete(held, key)
	case "skip":
		if e.Test != "" { // otherwise a package without tests
			s.skipped = append(s.skipped, e.Package+"."+e.Test)
		}
		delete(held, key)
	case "fail":
		s.fail(e, held[key], failedTests, progress)
		delete(held, key)
	}
}

// fail counts a failed test, or a package that failed without one: it did not build, or its TestMain failed.
func (s *summary) fail(e event, output []string, failedTests map[string]bool, progress io.Writer) {
	if e.Test != "" {
		s.failed = append(s.failed, e.Package+"."+e.Test)
		failedTests[e.Package] = true
	} else if !failedTests[e.Package] {
		s.failed = append(s.failed, e.Package)
	}
	reason := fmt.Sprintf("FAIL  %s (%.1fs)\n%s", strings.TrimSpace(e.Package+" "+e.Test), e.Elapsed, strings.Join(output, ""))
	s.reasons = append(s.reasons, reason)
	_, _ = io.WriteString(progress, reason)
}

// again shows the failures once more, shortened: in a long log the first place is far from the end.
func (s *summary) again(progress io.Writer) {
	const most, lines = 10, 30
	for i, reason := range s.reasons {
		if i == most {
			_, _ = fmt.Fprintf(progress, "and %d more\n", len(s.reasons)-most)
			return
		}
		head := strings.SplitAfterN(reason, "\n", lines+1)
		if len(head) > lines {
			head[lines] = "…\n"
		}
		_, _ = io.WriteString(progress, strings.Join(head, ""))
	}
}
