package sim_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tiktoken-go/tokenizer"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/internal/sim"
)

func TestVocabularyIsFull(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, word := range sim.Words() {
		require.Greater(t, len(word), 1)
		require.False(t, seen[word], word)
		seen[word] = true
	}
	require.Len(t, seen, 256)
}

// An estimate by the tokenizer of current models equals what was produced, at whatever token a stream breaks off.
func TestTextCountsTheSameWithTheTokenizer(t *testing.T) {
	t.Parallel()
	codec, err := tokenizer.Get(tokenizer.O200kBase)
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 400).Draw(t, "tokens")
		quoted := sim.Text("m", rapid.Uint64().Draw(t, "messages"), rapid.Int64().Draw(t, "seed"), rapid.IntRange(0, 3).Draw(t, "choice"), n)
		var text string
		require.NoError(t, json.Unmarshal([]byte(`"`+quoted+`"`), &text))
		count, err := codec.Count(text)
		require.NoError(t, err)
		require.Equal(t, n, count, text)
	})
}
