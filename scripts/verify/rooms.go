package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// roomMap checks that README.md names each top-level folder as `folder/`.
func roomMap(t tree) ([]problem, error) {
	content, err := fs.ReadFile(t.fs, "README.md")
	if errors.Is(err, fs.ErrNotExist) {
		return []problem{{"README.md", "it is missing"}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the README: %w", err)
	}
	var found []problem
	seen := map[string]bool{}
	for _, name := range t.files {
		room, _, nested := strings.Cut(name, "/")
		if !nested || seen[room] || strings.HasPrefix(room, ".") {
			continue
		}
		seen[room] = true
		if !strings.Contains(string(content), "`"+room+"/") {
			found = append(found, problem{"README.md", fmt.Sprintf("the room map does not name `%s/`", room)})
		}
	}
	return found, nil
}
