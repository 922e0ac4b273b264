package oidctest

import (
	"bufio"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNode: oidc-provider of npm, a certified implementation.
func TestNode(t *testing.T) {
	t.Parallel()
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	npm.Dir = "node"
	out, err := npm.CombinedOutput()
	require.NoError(t, err, "npm ci: %s", out)
	t.Run("conforms", func(t *testing.T) {
		t.Parallel()
		conform(t, node(t))
	})
	t.Run("says that a session has ended", func(t *testing.T) {
		t.Parallel()
		logsOut(t, "session")
	})
	t.Run("says that a person has gone", func(t *testing.T) {
		t.Parallel()
		logsOut(t, "person")
	})
}

// node starts one, with more settings.
func node(t *testing.T, settings ...string) peer {
	t.Helper()
	node := exec.CommandContext(t.Context(), "node", "provider.mjs")
	node.Dir = "node"
	node.Env = append(node.Environ(), "REDIRECT_URI="+callback, "CLIENT_ID="+clientID, "CLIENT_SECRET="+clientSecret)
	node.Env = append(node.Env, settings...)
	in, err := node.StdinPipe()
	require.NoError(t, err)
	said, err := node.StdoutPipe()
	require.NoError(t, err)
	node.Stderr = t.Output()
	require.NoError(t, node.Start())
	t.Cleanup(func() {
		_ = in.Close() // it ends with its input
		_ = node.Wait()
	})
	port, err := bufio.NewReader(said).ReadString('\n')
	require.NoError(t, err)
	return peer{issuer: "http://127.0.0.1:" + strings.TrimSpace(port), email: "ann@example.com", fill: func(form url.Values, page string) {
		if strings.Contains(page, `name="password"`) {
			form.Set("login", "ann")
			form.Set("password", "anything")
		}
	}}
}
