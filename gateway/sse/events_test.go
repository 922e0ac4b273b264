package sse_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/sse"
)

func collect(t *testing.T, r io.Reader, limit int) ([]string, error) {
	t.Helper()
	e := sse.NewEvents(r, make([]byte, 0, 8), limit)
	var out []string
	for {
		_, data, err := e.Next()
		if err != nil {
			return out, err
		}
		out = append(out, string(data))
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		stream string
		want   []string
	}{
		"plain":              {"data: a\n\ndata: b\n\n", []string{"a", "b"}},
		"without a blank":    {"data:a\n\ndata:  b\n\n", []string{"a", " b"}},
		"carriage returns":   {"data: a\r\n\r\ndata: b\r\n\r\n", []string{"a", "b"}},
		"comments":           {": hello\n\ndata: a\n: in between\n\n:\n\n", []string{"a"}},
		"names and numbers":  {"event: x\nid: 7\nretry: 3\ndata: a\n\n", []string{"a"}},
		"several lines":      {"data: a\ndata: b\ndata: c\n\ndata: d\n\n", []string{"a\nb\nc", "d"}},
		"empty data":         {"data:\n\ndata: \n\ndata: a\n\n", []string{"a"}},
		"many blank lines":   {"\n\n\ndata: a\n\n\n\ndata: b\n\n\n", []string{"a", "b"}},
		"no last blank line": {"data: a\n\ndata: b\n", []string{"a", "b"}},
		"no last line end":   {"data: a\n\ndata: b", []string{"a", "b"}},
		"nothing":            {"", nil},
		"a page":             {"<html>\n\n</html>", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for how, reader := range map[string]io.Reader{
				"whole":       strings.NewReader(row.stream),
				"one by one":  iotest.OneByteReader(strings.NewReader(row.stream)),
				"by halves":   iotest.HalfReader(strings.NewReader(row.stream)),
				"end at once": iotest.DataErrReader(strings.NewReader(row.stream)),
			} {
				got, err := collect(t, reader, 1<<10)
				require.ErrorIs(t, err, io.EOF, how)
				require.Equal(t, row.want, got, how)
			}
		})
	}
}

func TestEventsAreBounded(t *testing.T) {
	t.Parallel()
	got, err := collect(t, strings.NewReader("data: a\n\ndata: "+strings.Repeat("x", 5000)), 1<<10)
	require.ErrorIs(t, err, sse.ErrEventTooLong)
	require.Equal(t, []string{"a"}, got)
}

func TestEventsPassErrorsOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	got, err := collect(t, io.MultiReader(strings.NewReader("data: a\n\ndata: ha"), iotest.ErrReader(broken)), 1<<10)
	require.ErrorIs(t, err, broken)
	require.Equal(t, []string{"a"}, got)
}

func TestEventsThatWait(t *testing.T) {
	t.Parallel()
	e := sse.NewEvents(strings.NewReader("data: a\n\ndata: b\n\ndata: c"), make([]byte, 0, 64), 1<<10)
	for _, row := range []struct {
		data    string
		waiting bool
	}{{"a", true}, {"b", false}, {"c", false}} {
		_, data, err := e.Next()
		require.NoError(t, err)
		require.Equal(t, row.data, string(data))
		require.Equal(t, row.waiting, e.Waiting())
	}
}
