package embedding_test

import (
	"encoding/json"
	"testing"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/embedding"
)

// FuzzRequest: what is taken is sent as JSON, whoever serves it, and its bound is not above what the context allows.
func FuzzRequest(f *testing.F) {
	for _, body := range []string{askFloat, askBase64, askBatch, askSingle, `{"provider":{},"model":"m","input":[[1],[2]]}`, `{"input":[{"content":[{"type":"image_url","image_url":{"url":"x"}}]}],"model":"m"}`} {
		f.Add([]byte(body), byte(0))
		f.Add([]byte(body), byte(1))
		f.Add([]byte(body), byte(2))
	}
	f.Fuzz(func(t *testing.T, body []byte, form byte) {
		dialect, single := chat.OpenAI, false
		if form%3 > 0 {
			dialect, single = chat.Gemini, form%3 == 1
		}
		q, err := embedding.Read(dialect, body, single)
		if err != nil {
			return
		}
		if n := q.PromptBound(100, 10); n < 0 || n > 100*int64(q.Inputs()) {
			t.Fatalf("the bound is %d", n)
		}
		for _, vendor := range []chat.Dialect{chat.OpenAI, chat.Gemini} {
			sent, err := q.Append(nil, vendor, "up-1", true)
			if err == nil && !json.Valid(sent) {
				t.Fatalf("sent %q", sent)
			}
		}
	})
}

// FuzzAnswer: whatever a vendor answers, the caller gets JSON or an error.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{`{"data":[{"index":0,"embedding":[1,2]},{"embedding":"AACAPw=="}],"model":"x","id":"y","usage":{"prompt_tokens":1}}`, `{"embeddings":[{"values":[1]},{"values":[2]}],"usageMetadata":{}}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, ask := range []string{askFloat, askBase64, askBatch} {
			dialect := chat.OpenAI
			if ask == askBatch {
				dialect = chat.Gemini
			}
			for _, vendor := range []chat.Dialect{chat.OpenAI, chat.Gemini} {
				q := read(t, dialect, ask, false)
				a, err := q.Answer(vendor, body)
				if err != nil || q.Convert(a) != nil {
					continue
				}
				if got := q.AppendAnswer(nil, a, told(), bill()); !json.Valid(got) && json.Valid(body) {
					t.Fatalf("%s: %q", vendor, got)
				}
			}
		}
	})
}
