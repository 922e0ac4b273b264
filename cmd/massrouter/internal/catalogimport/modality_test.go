package catalogimport_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/catalogimport"
)

// TestModalitiesAreNotGuessed: genai-prices does not say what a model reads and writes. A price of sound says that it reads sound too, but not
// that it reads nothing else, which a list of modalities would.
func TestModalitiesAreNotGuessed(t *testing.T) {
	t.Parallel()
	for _, raw := range [][]byte{
		genaiModel(``),
		genaiModel(`"id":"m-embed","match":{"equals":"m-embed"},"prices":{"input_mtok":1,"output_mtok":0}`),
		genaiModel(prices(`{"input_mtok":1,"output_mtok":2,"input_audio_mtok":3,"output_audio_mtok":4}`)),
	} {
		l := newLedger()
		list := read(t, raw)
		n, err := l.apply(t, list, anywhere)
		require.NoError(t, err)
		require.Equal(t, 4, n)
		for id, m := range l.have.Models {
			require.Empty(t, m.InputModalities, id)
			require.Empty(t, m.OutputModalities, id)
		}
		n, err = l.apply(t, list, anywhere)
		require.NoError(t, err)
		require.Zero(t, n, "the same list again")

		// What somebody says stays; it is no matter whether nothing is said as null or as an empty list.
		for id, m := range l.have.Models {
			m.InputModalities, m.OutputModalities = []string{"text", "image"}, []string{}
			l.have.Models[id] = m
		}
		n, err = l.apply(t, list, anywhere)
		require.NoError(t, err)
		require.Zero(t, n)
	}
}

// TestModalitiesOfOpenRouter: its list says them for most models; for one without them nothing is known.
func TestModalitiesOfOpenRouter(t *testing.T) {
	t.Parallel()
	full := string(openRouterModel(`{"prompt":"0.000001","completion":"0.000002"}`))
	without := strings.Replace(full, `"input_modalities":["text","image"],"output_modalities":["text"],`, ``, 1)
	require.NotEqual(t, full, without)
	l := newLedger()
	for _, row := range []struct {
		list    string
		in, out []string
		steps   int
	}{
		{without, nil, nil, 4},
		{full, []string{"text", "image"}, []string{"text"}, 1},
		{without, []string{"text", "image"}, []string{"text"}, 0},
	} {
		list, err := catalogimport.ReadOpenRouter([]byte(row.list), catalogimport.ReadOptions{BaseURL: "https://list.example/v1"})
		require.NoError(t, err)
		steps, err := l.apply(t, list, catalogimport.Options{Now: now})
		require.NoError(t, err)
		require.Equal(t, row.steps, steps)
		m := l.have.Models["acme/one"]
		require.Equal(t, row.in, m.InputModalities)
		require.Equal(t, row.out, m.OutputModalities)
	}
}
