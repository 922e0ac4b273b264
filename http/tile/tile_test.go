package tile_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/tile"
)

func refuse(w http.ResponseWriter, _ *http.Request, err error) {
	if domain.CodeOf(err) == domain.CodeNotFound {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
}

func ask(t *testing.T, files *tile.Files, method, path string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	w.Header().Set("Cache-Control", "no-store")
	files.Serve(w, httptest.NewRequestWithContext(t.Context(), method, "/", http.NoBody), path)
	return w.Result()
}

func write(t *testing.T, dir, path string, size int) []byte {
	t.Helper()
	data := bytes.Repeat([]byte{7}, size)
	name := filepath.Join(dir, filepath.FromSlash(path))
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, data, 0o644))
	return data
}

func TestFilesOfALogAreServedAsTheyAre(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := tile.New(dir, refuse)
	for _, c := range []struct {
		path, kept, media string
		size              int
	}{
		{"checkpoint", "public, max-age=1", "text/plain; charset=utf-8", 200},
		{"tile/0/000", "public, max-age=31536000, immutable", "application/octet-stream", 8192},
		{"tile/1/x001/234", "public, max-age=31536000, immutable", "application/octet-stream", 8192},
		{"tile/7/x123/x000/067", "public, max-age=31536000, immutable", "application/octet-stream", 8192},
		{"tile/0/x001/234.p/5", "public, max-age=3600, immutable", "application/octet-stream", 160},
		{"tile/2/000.p/255", "public, max-age=3600, immutable", "application/octet-stream", 8160},
	} {
		missing := ask(t, files, http.MethodGet, c.path)
		require.Equal(t, http.StatusNotFound, missing.StatusCode, c.path)
		require.Equal(t, "no-store", missing.Header.Get("Cache-Control"), "what is not there yet comes")
		want := write(t, dir, c.path, c.size)
		got := ask(t, files, http.MethodGet, c.path)
		require.Equal(t, http.StatusOK, got.StatusCode, c.path)
		var body bytes.Buffer
		_, err := body.ReadFrom(got.Body)
		require.NoError(t, err)
		require.Equal(t, want, body.Bytes())
		require.Equal(t, c.kept, got.Header.Get("Cache-Control"))
		require.Equal(t, c.media, got.Header.Get("Content-Type"))
		head := ask(t, files, http.MethodHead, c.path)
		require.Equal(t, http.StatusOK, head.StatusCode)
		require.Equal(t, got.Header, head.Header)
	}
}

func TestOnlyFilesOfALogAreServed(t *testing.T) {
	t.Parallel()
	outside, dir := t.TempDir(), t.TempDir()
	write(t, outside, "secret", 8192)
	files := tile.New(dir, refuse)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "tile", "0"), 0o755))
	for _, path := range []string{
		"", "/", ".lock", "log.key", "checkpoint/", "Checkpoint", "tile", "tile/", "tile/0", "tile/0/", "tile/00/000", "tile/-1/000", "tile/8/000",
		"tile/+1/000", "tile/0/0", "tile/0/0000", "tile/0/00a", "tile/0/x000/001", "tile/0/001/002", "tile/0/x001/x002", "tile/0/x01/002",
		"tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/5/", "tile/0/000.q/5",
		"tile/0/../../secret", "../secret", "tile/entries/000", "tile/0/x001/x001/x001/x001/x001/x001/x001/001", "tile/0/٠٠٠",
	} {
		if filepath.IsLocal(path) { // also where there is such a file, unless a folder has its name
			_ = os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755)
			_ = os.WriteFile(filepath.Join(dir, path), make([]byte, 8192), 0o644)
		}
		require.Equal(t, http.StatusNotFound, ask(t, files, http.MethodGet, path).StatusCode, path)
	}
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "tile", "1"), 0o755))
	require.NoError(t, os.Symlink(filepath.Join(outside, "secret"), filepath.Join(dir, "tile", "1", "000")))
	require.Equal(t, http.StatusServiceUnavailable, ask(t, files, http.MethodGet, "tile/1/000").StatusCode, "a link out of the folder")
	write(t, dir, "tile/2/000", 8191)
	require.Equal(t, http.StatusServiceUnavailable, ask(t, files, http.MethodGet, "tile/2/000").StatusCode, "a tile that is cut off")
	write(t, dir, "checkpoint", 1<<20+1)
	require.Equal(t, http.StatusServiceUnavailable, ask(t, files, http.MethodGet, "checkpoint").StatusCode)
	require.Equal(t, http.StatusNotFound, ask(t, tile.New(filepath.Join(dir, "later"), refuse), http.MethodGet, "checkpoint").StatusCode)
}
