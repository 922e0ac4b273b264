package tilehttp_test

import (
	"bytes"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/tilehttp"
)

func TestLogOverHTTP(t *testing.T) {
	t.Parallel()
	full := bytes.Repeat([]byte{7}, 256*32)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /log/checkpoint", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("signed")) })
	mux.HandleFunc("GET /log/tile/0/x001/x234/067", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(full) })
	mux.HandleFunc("GET /log/tile/0/001", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(append(full, 7)) })
	mux.HandleFunc("GET /log/tile/0/002", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	for _, address := range []string{server.URL + "/log", server.URL + "/log/"} {
		log, err := tilehttp.New(address)
		require.NoError(t, err)
		signed, err := log.Checkpoint(t.Context())
		require.NoError(t, err)
		require.Equal(t, "signed", string(signed))
		data, err := log.Tile(t.Context(), 0, 1234067, 256)
		require.NoError(t, err)
		require.Equal(t, full, data)
		data, err = log.Tile(t.Context(), 0, 1234067, 3)
		require.NoError(t, err, "a partial tile that is gone is read from its full one")
		require.Len(t, data, 3*32)
		_, err = log.Tile(t.Context(), 0, 1, 256)
		require.ErrorContains(t, err, "more than")
		_, err = log.Tile(t.Context(), 0, 2, 256)
		require.ErrorContains(t, err, "502")
		_, err = log.Tile(t.Context(), 5, 2, 256)
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
}

func TestAddressesAreChecked(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "ftp://x", "http://", "://", "/log"} {
		_, err := tilehttp.New(address)
		require.Error(t, err, address)
	}
}
