package query

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
)

func TestTheMostWantedFormatIsAnswered(t *testing.T) {
	t.Parallel()
	all := []string{formatJSON, formatCSV, formatPDF}
	for accept, want := range map[string]string{
		"": formatJSON, "*/*": formatJSON, "text/csv": formatCSV, "TEXT/CSV; charset=utf-8": formatCSV, "application/pdf": formatPDF, "image/png": formatJSON,
		"text/csv;q=0.2, application/pdf;q=0.3": formatPDF, "text/csv;q=0.9, */*;q=0.8": formatCSV, "application/json, text/csv": formatJSON,
		"text/csv;q=0": formatJSON, "text/csv;q=0.0001": formatJSON, "text/csv;q=1.000": formatCSV, "text/csv;q=2": formatJSON, "text/csv;q=x": formatJSON,
		"text/csv;q=-1": formatJSON, "text/csv;q=1.5": formatJSON, ",,;;text/csv": formatJSON, "application/pdf;q=0.001": formatPDF,
		strings.Repeat("image/png,", 50) + "text/csv": formatJSON,
	} {
		require.Equal(t, want, preferred(accept, all), accept)
	}
	unoffered := preferred("application/pdf", all[:2])
	require.Equal(t, all[0], unoffered)
	given := formatPDF
	_, err := wanted(t.Context(), &given, formatJSON, formatCSV)
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
}

func TestFilesHaveMoreTime(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]bool{"": false, "?format=csv": true, "?format=pdf": true, "?format=json": false, "?format=x": false} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+query, http.NoBody)
		require.Equal(t, want, Exports(r), query)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.Header.Set("Accept", "text/csv")
	require.True(t, Exports(r))
}

// TestAFileThatEndsEarlyIsNoFile: an error before the first bytes is the answer; one after them cuts the connection.
func TestAFileThatEndsEarlyIsNoFile(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	after := func(rows int) file {
		return table(t.Context(), "name", []string{"a"}, func(_ context.Context, row func(...string) error) error {
			for range rows {
				if err := row("=1+1"); err != nil {
					return err
				}
			}
			return broken
		})
	}
	w := httptest.NewRecorder()
	require.ErrorIs(t, after(10).send(w), broken)
	require.Empty(t, w.Header())
	require.Zero(t, w.Body.Len())

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = after(100_000).send(w)
	}))
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, res.Body.Close()) })
	require.Equal(t, http.StatusOK, res.StatusCode)
	body, err := io.ReadAll(res.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Contains(t, string(body), "a\r\n'=1+1\r\n")
}

func TestCellsAreNoFormulas(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"": "", "plain": "plain", "-0.5": "-0.5", "-1": "-1", "12.50": "12.50", "=1": "'=1", "-1+2": "'-1+2", "+1": "'+1", "@x": "'@x", " =1": "' =1",
		"\t=1": "'\t=1", "\tx": "'\tx", "-": "'-", "-.5": "'-.5", "-1.2.3": "'-1.2.3", "'x": "''x", "＝1": "'＝1", "2026-01-01": "2026-01-01",
	} {
		require.Equal(t, want, harmless(cell), "%q", cell)
	}
}
