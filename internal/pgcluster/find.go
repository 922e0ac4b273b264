package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// MinMajor is the oldest PostgreSQL major version that MassRouter runs on.
const MinMajor = 15

// ErrNoServer says that no usable PostgreSQL server programs are on this machine.
var ErrNoServer = errors.New("no PostgreSQL server programs found")

// Find returns the folder of the PostgreSQL server programs (postgres, initdb) of at least MinMajor.
// It looks at PATH, then at the versioned folders of Debian-like systems (highest version first), then
// asks pg_config. The error wraps ErrNoServer and says what was seen and what to install.
func Find() (string, error) {
	bin, err := systemFinder().find(0)
	return bin.dir, err
}

// programs is a folder with postgres and initdb of one major version.
type programs struct {
	dir   string
	major int
}

// finder holds the questions that Find asks the machine, so that tests can answer them.
type finder struct {
	lookPath func(name string) (string, error)
	folders  func() []string
	pgConfig func() (string, error)
	version  func(dir string) (int, error)
}

func systemFinder() finder {
	return finder{
		lookPath: exec.LookPath,
		folders: func() []string {
			var all []string
			for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin"} {
				found, err := filepath.Glob(pattern)
				if err == nil {
					all = append(all, found...)
				}
			}
			return all
		},
		pgConfig: func() (string, error) {
			out, err := exec.CommandContext(context.Background(), "pg_config", "--bindir").Output()
			return strings.TrimSpace(string(out)), err
		},
		version: programVersion,
	}
}

// find returns the best folder; a major other than 0 asks for exactly that version, because a data folder
// can be opened only by the version that made it.
func (f finder) find(major int) (programs, error) {
	var seen []string
	accept := func(dir string) (programs, bool) {
		got, err := f.version(dir)
		if err != nil {
			return programs{}, false
		}
		if got < MinMajor || (major != 0 && got != major) {
			seen = append(seen, fmt.Sprintf("%d in %s", got, dir))
			return programs{}, false
		}
		return programs{dir: dir, major: got}, true
	}
	if path, err := f.lookPath("postgres"); err == nil {
		if target, err := filepath.EvalSymlinks(path); err == nil {
			path = target
		}
		if p, ok := accept(filepath.Dir(path)); ok {
			return p, nil
		}
	}
	var best programs
	for _, dir := range f.folders() {
		if p, ok := accept(dir); ok && p.major > best.major {
			best = p
		}
	}
	if best.dir != "" {
		return best, nil
	}
	if dir, err := f.pgConfig(); err == nil && dir != "" {
		if p, ok := accept(dir); ok {
			return p, nil
		}
	}
	return programs{}, notFound(major, seen)
}

func notFound(major int, seen []string) error {
	want := fmt.Sprintf("version %d or newer", MinMajor)
	if major != 0 {
		want = fmt.Sprintf("version %d, which made the data folder", major)
	}
	hint := "install the server (Debian and Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; " +
		"macOS: brew install postgresql@16) or set DATABASE_URL to a running server"
	if len(seen) == 0 {
		return fmt.Errorf("%w: PostgreSQL %s is needed: %s", ErrNoServer, want, hint)
	}
	sort.Strings(seen)
	return fmt.Errorf("%w: PostgreSQL %s is needed, found only %s: %s", ErrNoServer, want, strings.Join(seen, ", "), hint)
}

// programVersion asks the postgres program of a folder for its major version; initdb has to be beside it.
func programVersion(dir string) (int, error) {
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return 0, fmt.Errorf("look for %s: %w", name, err)
		}
	}
	//nolint:gosec // the folder comes from PATH or from the distribution, never from a request
	out, err := exec.CommandContext(context.Background(), filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return 0, fmt.Errorf("ask postgres for its version: %w", err)
	}
	match := regexp.MustCompile(`PostgreSQL\) (\d+)`).FindSubmatch(out)
	if match == nil {
		return 0, fmt.Errorf("read the version of postgres from %q", out)
	}
	return strconv.Atoi(string(match[1]))
}
