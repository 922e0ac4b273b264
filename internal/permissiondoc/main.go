// Command permissiondoc writes docs/permissions.md: every operation of the console, and which role may do it. The output depends only on the source.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("o", "", "file to write; the standard output when empty")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "permissiondoc:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	if out == "" {
		_, err := os.Stdout.WriteString(document())
		return err
	}
	if err := os.WriteFile(out, []byte(document()), 0o644); err != nil { //nolint:gosec // documentation is for everybody
		return fmt.Errorf("write the permissions: %w", err)
	}
	return nil
}
