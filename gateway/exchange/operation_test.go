package exchange_test

import (
	"net/url"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/exchange"
)

// TestOffered: a model does what its output modalities say, and converses unless it does nothing but something else; if they
// say nothing, anything may be tried.
func TestOffered(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		outputs                        []string
		converse, embeds, sorts, draws bool
	}{
		{nil, true, true, true, true},
		{[]string{}, true, true, true, true},
		{[]string{"text"}, true, false, false, false},
		{[]string{"image"}, true, false, false, true},
		{[]string{"unheard of"}, true, false, false, false},
		{[]string{"embeddings"}, false, true, false, false},
		{[]string{"text", "embeddings"}, true, true, false, false},
		{[]string{"rerank"}, false, false, true, false},
		{[]string{"speech", "transcription"}, false, false, false, false},
	} {
		require.Equal(t, row.converse, exchange.Chat.Offered(row.outputs), "%v", row.outputs)
		require.Equal(t, row.converse, exchange.Completion.Offered(row.outputs), "%v", row.outputs)
		require.Equal(t, row.embeds, exchange.Embeddings.Offered(row.outputs), "%v", row.outputs)
		require.Equal(t, row.sorts, exchange.Rerank.Offered(row.outputs), "%v", row.outputs)
		audio := len(row.outputs) == 0 || slices.Contains(row.outputs, "speech")
		require.Equal(t, audio, exchange.Speech.Offered(row.outputs), "%v", row.outputs)
		require.Equal(t, audio, exchange.Transcription.Offered(row.outputs), "%v", row.outputs)
		require.Equal(t, row.draws, exchange.Images.Offered(row.outputs), "%v", row.outputs)
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	base, err := url.Parse("https://v.example/v1")
	require.NoError(t, err)
	for want, row := range map[string]struct {
		dialect chat.Dialect
		ask     exchange.Ask
	}{
		"/v1/chat/completions":               {chat.OpenAI, exchange.Ask{}},
		"/v1/completions":                    {chat.OpenAI, exchange.Ask{Operation: exchange.Completion, Stream: true}},
		"/v1/embeddings":                     {chat.OpenAI, exchange.Ask{Operation: exchange.Embeddings}},
		"/v1/rerank":                         {chat.OpenAI, exchange.Ask{Operation: exchange.Rerank}},
		"/v1/audio/speech":                   {chat.OpenAI, exchange.Ask{Operation: exchange.Speech}},
		"/v1/audio/transcriptions":           {chat.OpenAI, exchange.Ask{Operation: exchange.Transcription}},
		"/v1/images/generations":             {chat.OpenAI, exchange.Ask{Operation: exchange.Images, Stream: true}},
		"/v1/models/m:embedContent":          {chat.Gemini, exchange.Ask{Operation: exchange.Embeddings, Single: true}},
		"/v1/models/m:batchEmbedContents":    {chat.Gemini, exchange.Ask{Operation: exchange.Embeddings}},
		"/v1/models/m:streamGenerateContent": {chat.Gemini, exchange.Ask{Stream: true}},
		"/v1/messages":                       {chat.Anthropic, exchange.Ask{}},
	} {
		require.Equal(t, want, exchange.Address(row.dialect, base, "m", row.ask).Path)
	}
}
