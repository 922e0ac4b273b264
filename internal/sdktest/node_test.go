package sdktest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// The npm clients, in the order of their tables.
var nodeNames = []string{"openai", "@anthropic-ai/sdk", "@google/genai"}

// nodeSDKs are the clients for node, with the versions that are installed.
func nodeSDKs(t *testing.T) []sdk {
	t.Helper()
	var all []sdk
	for _, name := range nodeNames {
		raw, err := os.ReadFile(filepath.Join("node", "node_modules", filepath.FromSlash(name), "package.json"))
		require.NoError(t, err)
		var p struct{ Version string }
		require.NoError(t, json.Unmarshal(raw, &p))
		all = append(all, sdk{name: "npm " + name, version: p.Version})
	}
	return all
}

// install installs the clients that the lock file names, once.
var installed = sync.OnceValue(func() error {
	npm := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	npm.Dir = "node"
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w: %s", err, out)
	}
	return nil
})

func install(t *testing.T) {
	t.Helper()
	require.NoError(t, installed())
}

// inNode runs a file of tests in node.
func inNode(t *testing.T, file string, environment ...string) {
	t.Helper()
	node := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=tap", file)
	node.Dir = "node"
	node.Env = append(node.Environ(), environment...)
	out, err := node.CombinedOutput()
	require.NoError(t, err, "%s: %s", file, out)
}

// runNode runs the same features with the clients for node; every test of theirs says what it found.
func runNode(t *testing.T, found *outcomes) {
	t.Helper()
	type reached struct {
		*vendor
		Front string
	}
	setup := struct {
		BaseURL, SimURL, VendorKey, Key, Outcomes, Pair, Long, Down, Seeing, Thinking, Embedding, Muse string
		AllWords, ThoughtWords, ShortVector, UsualVector                                               int
		Vendors                                                                                        []reached
	}{
		shared.BaseURL, shared.SimURL, shared.VendorKey, shared.APIKey, filepath.Join(t.TempDir(), "outcomes"), pair, long, down, seeing, thinking, embedding, muse,
		allWords, thoughtWords, shortVector, usualVector, nil,
	}
	for _, v := range vendors {
		setup.Vendors = append(setup.Vendors, reached{v, v.front.URL})
	}
	raw, err := json.Marshal(setup)
	require.NoError(t, err)
	install(t)
	inNode(t, "openai.test.mjs", "BASE_URL="+shared.BaseURL, "API_KEY="+shared.APIKey)
	inNode(t, "matrix.test.mjs", "SDKTEST="+string(raw))
	lines, err := os.ReadFile(setup.Outcomes)
	require.NoError(t, err)
	for line := range strings.Lines(string(lines)) {
		var o struct{ SDK, Vendor, Feature, Outcome string }
		require.NoError(t, json.Unmarshal([]byte(line), &o))
		found.add(cell{"npm " + o.SDK, o.Vendor, o.Feature}, o.Outcome)
	}
}
