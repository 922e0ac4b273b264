package media_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/media"
)

func TestSpeakingSplice(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][2]string{
		` {"model" : "acme/m","input":"a","voice":{"id":"v"}} `:                {` {"model" : "up","input":"a","voice":{"id":"v"}} `, ` {"model" : "up","input":"a","voice":{"id":"v"},"stream_format":"sse"} `},
		`{"provider":{},"stream_format": "audio","model":"m","input":"a"}`:     {`{"stream_format": "audio","model":"up","input":"a"}`, `{"stream_format": "sse","model":"up","input":"a"}`},
		`{"stream_format":null,"model":"m","input":"a","instructions":"calm"}`: {`{"stream_format":null,"model":"up","input":"a","instructions":"calm"}`, `{"stream_format":"sse","model":"up","input":"a","instructions":"calm"}`},
		`{"stream_format":"sse","model":"m","input":"a"}`:                      {`{"stream_format":"sse","model":"up","input":"a"}`, `{"stream_format":"sse","model":"up","input":"a"}`},
	} {
		q, err := media.ReadSpeaking([]byte(body))
		require.NoError(t, err)
		require.Equal(t, want[0], string(q.Splice(nil, "up", false)))
		require.Equal(t, want[1], string(q.Splice(nil, "up", true)))
	}
}

func TestHostileSpeaking(t *testing.T) {
	t.Parallel()
	for body, param := range map[string]string{
		``: "", `[]`: "", `{`: "", `{"model":"m","input":"a"}x`: "", "{\"model\":\"m\",\"input\":\"\xff\"}": "", `{"model":"m","model":"m"}`: "",
		`{"input":"a"}`: "model", `{"model":7,"input":"a"}`: "model", `{"model":"` + strings.Repeat("m", 300) + `","input":"a"}`: "model",
		`{"model":"m"}`: "input", `{"model":"m","input":""}`: "input", `{"model":"m","input":["a"]}`: "input", `{"model":"m","input":"a","Input":"b"}`: "input",
		`{"model":"m","input":"a","response_format":"midi"}`: "response_format", `{"model":"m","input":"a","response_format":7}`: "response_format",
		`{"model":"m","input":"a","stream_format":"json"}`: "stream_format", `{"model":"m","input":"a","stream_format":7}`: "stream_format",
		`{"model":"m","input":"a","instructions":{}}`: "instructions", `{"model":"m","input":"a","plugins":[{}]}`: "plugins",
	} {
		_, err := media.ReadSpeaking([]byte(body))
		refused(t, err, param, body)
	}
}

// TestCharacters are code points, however they are written.
func TestCharacters(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]int64{`"abc"`: 3, `"Zoë"`: 3, `"Zo\u00eb"`: 3, `"二 水"`: 3, `"\ud83d\ude00"`: 1, `"\n"`: 1, `"e\u0301"`: 2} {
		q, err := media.ReadSpeaking([]byte(`{"model":"m","input":` + input + `}`))
		require.NoError(t, err)
		require.Equal(t, want, q.Characters, input)
	}
}

// FuzzSpeaking: what is taken is sent as JSON, and never more characters than bytes.
func FuzzSpeaking(f *testing.F) {
	f.Add([]byte(`{"provider":{},"model":"m","input":"p","stream_format":"audio"}`), true)
	f.Add([]byte(`{"model":"m","input":"p" }`), false)
	f.Fuzz(func(t *testing.T, body []byte, events bool) {
		q, err := media.ReadSpeaking(body)
		if err != nil {
			return
		}
		if q.Characters < 1 || q.Characters > int64(len(body)) {
			t.Fatalf("%d characters", q.Characters)
		}
		if sent := q.Splice(nil, "up", events); !json.Valid(sent) {
			t.Fatalf("sent %q", sent)
		}
	})
}

// FuzzSpoken: no event of a vendor's makes it stumble.
func FuzzSpoken(f *testing.F) {
	f.Add([]byte(`{"type":"speech.audio.delta","audio":"AAAA"}`))
	f.Add([]byte(`{"type":"speech.audio.done","usage":{"input_tokens":1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		q, err := media.ReadSpeaking([]byte(`{"model":"m","input":"a"}`))
		if err != nil {
			t.Fatal(err)
		}
		a, err := q.Event(data)
		if err != nil {
			return
		}
		if a.Type == media.SoundDelta {
			_, _ = a.AppendSound(nil) // what is no base64 is an error
		}
		a.Own().AppendEnd(nil, bill(usage.Usage{usage.Character: 1}))
	})
}
