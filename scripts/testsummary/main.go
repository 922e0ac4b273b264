// Command testsummary reads the events of one or more runs of "go test -json" from standard input. It shows
// each package's result and the output of failing tests on standard error, and writes one closing line to
// standard output: "N passed, N failed, N skipped". It exits 1 when something failed.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	failOnSkip := flag.Bool("fail-on-skip", false, "count a skipped test as a failure")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, os.Stderr, *failOnSkip); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out, progress io.Writer, failOnSkip bool) error {
	var s summary
	if err := s.read(in, progress); err != nil {
		return err
	}
	s.again(progress)
	if _, err := fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", s.passed, len(s.failed), len(s.skipped)); err != nil {
		return fmt.Errorf("write the summary: %w", err)
	}
	switch {
	case len(s.failed) > 0:
		return fmt.Errorf("tests failed: %v", s.failed)
	case s.passed == 0:
		return errors.New("no test ran")
	case failOnSkip && len(s.skipped) > 0:
		return fmt.Errorf("tests were skipped: %v", s.skipped)
	}
	return nil
}
