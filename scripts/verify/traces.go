package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
)

// machineTraces finds what belongs to one machine: absolute paths of somebody's folders, and the package
// registries that this machine is set up to use.
func machineTraces(t tree, words []string) ([]problem, error) {
	home := regexp.MustCompile(`(^|[^A-Za-z0-9_./-])/(home|Users)/[a-z][a-z0-9._-]*/|(^|[^A-Za-z0-9_./-])/root/[A-Za-z.]`)
	resolved := []byte(`"resolved":`)
	var found []problem
	for _, name := range t.files {
		content, err := fs.ReadFile(t.fs, name)
		if err != nil {
			return nil, fmt.Errorf("read a file: %w", err)
		}
		if bytes.IndexByte(content, 0) >= 0 {
			continue // not text
		}
		if match := home.Find(content); match != nil && !strings.HasPrefix(name, "scripts/verify/") {
			found = append(found, problem{name, fmt.Sprintf("a path of one machine: %q", match)})
		}
		for _, word := range words {
			if bytes.Contains(content, []byte(word)) {
				found = append(found, problem{name, "names this machine's folder or package registry"})
			}
		}
		if path.Base(name) == "package-lock.json" && bytes.Contains(content, resolved) {
			found = append(found, problem{name, "a lock file carries no addresses: set omit-lockfile-registry-resolved"})
		}
	}
	return found, nil
}

// machineWords are the strings that only this machine could have put into a file: the path of this clone and
// the hosts of the package registries that it uses.
func machineWords(ctx context.Context) ([]string, error) {
	var words []string
	here, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("find the current folder: %w", err)
	}
	if strings.Count(here, "/") > 1 { // a clone in "/src" would match too much
		words = append(words, here)
	}
	sources := [][]string{{"go", "env", "GOPROXY"}, {"go", "env", "GOSUMDB"}, {"npm", "config", "get", "registry"}}
	for _, source := range sources {
		out, err := exec.CommandContext(ctx, source[0], source[1:]...).Output() //nolint:gosec // the commands above
		if err != nil {
			continue // a machine without npm has no registry set up
		}
		words = append(words, registryHosts(string(out))...)
	}
	return words, nil
}

// registryHosts picks the hosts out of a setting, but for the machine itself.
func registryHosts(setting string) []string {
	local := []string{"localhost", "127.0.0.1"}
	var hosts []string
	for _, part := range strings.FieldsFunc(setting, func(r rune) bool { return strings.ContainsRune(",| \n", r) }) {
		u, err := url.Parse(part)
		if err != nil || u.Hostname() == "" || slices.Contains(local, u.Hostname()) {
			continue
		}
		hosts = append(hosts, u.Hostname())
	}
	return hosts
}
