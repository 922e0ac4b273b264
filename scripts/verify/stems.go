package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// stemsFile lists the files of commands/ that are not a use case, or whose decision has another name.
const stemsFile = "scripts/verify/stems.txt"

// stems checks that each use case of commands/ has a file of the same name in a package of domain/, so that
// searching for the use case shows its whole slice.
func stems(t tree) ([]problem, error) {
	allowed, err := readStems(t)
	if err != nil {
		return nil, err
	}
	decisions := map[string]bool{}
	commands := map[string]bool{}
	for _, name := range t.files {
		stem, isSource := sourceStem(name)
		switch {
		case !isSource:
		case strings.HasPrefix(name, "domain/"):
			decisions[stem] = true
		case path.Dir(name) == "commands":
			commands[stem] = true
		}
	}
	var found []problem
	for stem := range commands {
		if !decisions[stem] && !allowed[stem] {
			found = append(found, problem{
				"commands/" + stem + ".go", "no file of this name in domain/; rename one of them, or list it in " + stemsFile + " with the reason",
			})
		}
	}
	for stem := range allowed {
		if !commands[stem] || decisions[stem] {
			found = append(found, problem{stemsFile, stem + " needs no exception any more"})
		}
	}
	return found, nil
}

func sourceStem(name string) (string, bool) {
	stem, isGo := strings.CutSuffix(path.Base(name), ".go")
	return stem, isGo && !strings.HasSuffix(stem, "_test")
}

// readStems reads lines "stem  reason"; a line without a reason is refused.
func readStems(t tree) (map[string]bool, error) {
	content, err := fs.ReadFile(t.fs, stemsFile)
	if err != nil {
		return nil, fmt.Errorf("read the exceptions: %w", err)
	}
	allowed := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(content))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		stem, reason, _ := strings.Cut(line, " ")
		if strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("%s: %s has no reason", stemsFile, stem)
		}
		allowed[stem] = true
	}
	return allowed, lines.Err()
}
