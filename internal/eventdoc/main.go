// Command eventdoc writes docs/events.md, the catalogue of all stored events: what each means, its fields, and its
// frozen sample. The output depends only on the source.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	out := flag.String("o", "", "file to write; docs/events.md of the module when empty")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "eventdoc:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	text, err := document(root)
	if err != nil {
		return err
	}
	if out == "" {
		out = filepath.Join(root, "docs", "events.md")
	}
	if err := os.WriteFile(out, []byte(text), 0o644); err != nil { //nolint:gosec // documentation is for everybody
		return fmt.Errorf("write the catalogue: %w", err)
	}
	return nil
}

// moduleRoot is the nearest folder above the working directory that has a go.mod.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the working directory: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("no go.mod in any folder above the working directory")
		}
		folder = parent
	}
}
