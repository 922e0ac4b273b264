// Command verify checks the rules of this project that no linter knows. It prints each violation on a line
// "path: what is wrong" and exits 1 when there is one. It runs in the project's top folder.
package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"sort"
	"strings"
)

// tree is what the checks see: the files that are committed or could be.
type tree struct {
	files []string
	fs    fs.FS
}

// problem is one violated rule.
type problem struct{ path, text string }

func main() {
	problems, err := run(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	for _, p := range problems {
		fmt.Printf("%s: %s\n", p.path, p.text)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}

func run(ctx context.Context) ([]problem, error) {
	files, err := listFiles(ctx)
	if err != nil {
		return nil, err
	}
	secrets, err := machineWords(ctx)
	if err != nil {
		return nil, err
	}
	t := tree{files: files, fs: os.DirFS(".")}
	var all []problem
	for _, check := range []func(tree) ([]problem, error){
		sizes, stems, rules, roomMap, migrationPairs,
		func(t tree) ([]problem, error) { return machineTraces(t, secrets) },
	} {
		found, err := check(t)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// listFiles asks git for tracked files and for new ones that are not ignored; deleted ones are left out.
func listFiles(ctx context.Context) ([]string, error) {
	out, err := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return nil, fmt.Errorf("list the files of the project: %w", err)
	}
	var files []string
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			files = append(files, name)
		}
	}
	sort.Strings(files)
	return files, nil
}
