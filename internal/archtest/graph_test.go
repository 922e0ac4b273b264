package archtest_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/massrouter/massrouter"

// unit is a package as "go list -json" describes it, without its tests.
type unit struct {
	ImportPath string
	Name       string
	Dir        string
	Standard   bool
	Export     string
	GoFiles    []string
	Imports    []string
	Deps       []string
}

// room is the first folder of a package's path inside the project; "" for other modules.
func (u unit) room() string { return room(u.ImportPath) }

func room(importPath string) string {
	inside, ok := strings.CutPrefix(importPath, module+"/")
	if !ok {
		return ""
	}
	first, _, _ := strings.Cut(inside, "/")
	return first
}

// root is the project's top folder.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(dir, "go.mod"))
	return dir
}

// list runs "go list" for the packages below the given rooms that exist; no room means all.
func list(t *testing.T, rooms []string, flags ...string) []unit {
	t.Helper()
	if len(rooms) == 0 {
		return goList(t, append(flags, "./...")...)
	}
	var patterns []string
	for _, name := range rooms {
		if _, err := os.Stat(filepath.Join(root(t), name)); err == nil {
			patterns = append(patterns, "./"+name+"/...")
		}
	}
	if len(patterns) == 0 {
		return nil
	}
	return goList(t, append(flags, patterns...)...)
}

func goList(t *testing.T, args ...string) []unit {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json"}, args...)...)
	cmd.Dir = root(t)
	var messages strings.Builder
	cmd.Stderr = &messages
	out, err := cmd.Output()
	require.NoError(t, err, messages.String())
	var units []unit
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var u unit
		err := decoder.Decode(&u)
		if errors.Is(err, io.EOF) {
			return units
		}
		require.NoError(t, err)
		units = append(units, u)
	}
}

func TestRoom(t *testing.T) {
	t.Parallel()
	require.Equal(t, "domain", room(module+"/domain/money"))
	require.Equal(t, "domain", room(module+"/domain"))
	require.Empty(t, room("net/http"))
	require.Empty(t, room(module+"extra/domain"))
}
