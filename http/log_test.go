package http_test

import (
	"io"
	nethttp "net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
)

func TestTheTransparencyLogsFilesAreForEverybody(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "checkpoint"), []byte("test.example/log\n1\n\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "log.key"), []byte("secret"), 0o644))
	b := setup(t, func(p *parts) { p.api.LogDir = dir })
	ask := func(method, path string) (*nethttp.Response, string) {
		t.Helper()
		r, err := nethttp.NewRequestWithContext(t.Context(), method, b.url+path, nethttp.NoBody)
		require.NoError(t, err)
		res, err := nethttp.DefaultClient.Do(r)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res, string(body)
	}
	got, body := ask(nethttp.MethodGet, "/log/checkpoint")
	require.Equal(t, 200, got.StatusCode)
	require.Equal(t, "test.example/log\n1\n\n", body)
	require.Equal(t, "*", got.Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "nosniff", got.Header.Get("X-Content-Type-Options"))
	head, body := ask(nethttp.MethodHead, "/log/checkpoint")
	require.Equal(t, 200, head.StatusCode)
	require.Empty(t, body)
	require.Equal(t, got.Header.Get("Content-Length"), head.Header.Get("Content-Length"))
	for _, path := range []string{"/log/log.key", "/log/", "/log/tile/0/000", "/log/%2e%2e/checkpoint", "/log/tile%2f0%2f000"} {
		refused, body := ask(nethttp.MethodGet, path)
		require.Equal(t, 404, refused.StatusCode, path)
		require.Equal(t, "application/problem+json", refused.Header.Get("Content-Type"), path)
		require.Contains(t, body, string(domain.CodeNotFound))
	}
	posted, _ := ask(nethttp.MethodPost, "/log/checkpoint")
	require.Equal(t, 405, posted.StatusCode)
	require.Equal(t, "GET, HEAD", posted.Header.Get("Allow"))

	b = setup(t)
	missing, _ := ask(nethttp.MethodGet, "/log/checkpoint")
	require.Equal(t, 404, missing.StatusCode)
}
