package main

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"sort"
	"strconv"
)

// migrationPairs checks that migrations are numbered 1, 2, 3, … and that each has its way up and down.
func migrationPairs(t tree) ([]problem, error) {
	pattern := regexp.MustCompile(`^migrations/(\d{4}_[a-z0-9_]+)\.(up|down)\.sql$`)
	ways := map[string][]string{}
	var found []problem
	for _, name := range t.files {
		if path.Dir(name) != "migrations" || path.Ext(name) != ".sql" {
			continue
		}
		match := pattern.FindStringSubmatch(name)
		if match == nil {
			found = append(found, problem{name, "name it like 0007_what_it_does.up.sql"})
			continue
		}
		ways[match[1]] = append(ways[match[1]], match[2])
	}
	names := make([]string, 0, len(ways))
	for name := range ways {
		names = append(names, name)
	}
	sort.Strings(names)
	for i, name := range names {
		for _, way := range []string{"up", "down"} {
			if !slices.Contains(ways[name], way) {
				found = append(found, problem{"migrations/" + name, "the " + way + " file is missing"})
			}
		}
		if number, err := strconv.Atoi(name[:4]); err != nil || number != i+1 {
			found = append(found, problem{"migrations/" + name, fmt.Sprintf("the number should be %04d", i+1)})
		}
	}
	return found, nil
}
