package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// maxLines is the longest Go file that is neither a test nor generated.
const maxLines = 400

func sizes(t tree) ([]problem, error) {
	generated := regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	var found []problem
	for _, name := range t.files {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		content, err := fs.ReadFile(t.fs, name)
		if err != nil {
			return nil, fmt.Errorf("read a source file: %w", err)
		}
		if lines := bytes.Count(content, []byte("\n")); lines > maxLines && !generated.Match(content) {
			found = append(found, problem{name, fmt.Sprintf("%d lines, more than %d: split it by what its parts are about", lines, maxLines)})
		}
	}
	return found, nil
}
