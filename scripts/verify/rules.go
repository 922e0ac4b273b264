package main

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// rules checks that each numbered rule in the package comment of a domain package ("//<tab>W5  A hold …") is
// named by a test of the same package.
func rules(t tree) ([]problem, error) {
	numbered := regexp.MustCompile(`(?m)^//\t([A-Z]{1,2}[0-9]+)\s`)
	type rule struct{ file, number string }
	wanted := map[string][]rule{}
	tests := map[string]string{}
	for _, name := range t.files {
		if !strings.HasPrefix(name, "domain/") || path.Ext(name) != ".go" {
			continue
		}
		content, err := fs.ReadFile(t.fs, name)
		if err != nil {
			return nil, fmt.Errorf("read a source file: %w", err)
		}
		if strings.HasSuffix(name, "_test.go") {
			tests[path.Dir(name)] += string(content)
			continue
		}
		for _, match := range numbered.FindAllSubmatch(content, -1) {
			wanted[path.Dir(name)] = append(wanted[path.Dir(name)], rule{name, string(match[1])})
		}
	}
	var found []problem
	for folder, all := range wanted {
		for _, r := range all {
			named := regexp.MustCompile(`(Test|[^A-Za-z0-9])` + r.number + `([^0-9]|$)`)
			if !named.MatchString(tests[folder]) {
				found = append(found, problem{r.file, "no test of this package has rule " + r.number + " in its name"})
			}
		}
	}
	return found, nil
}
