package embedding_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/embedding"
	"github.com/massrouter/massrouter/gateway/meter"
)

func told() *chat.Told { return &chat.Told{ID: "gen-1", Model: "acme/m", Provider: "Acme"} }

func bill() *chat.Bill {
	return &chat.Bill{Usage: usage.Usage{usage.Input: 7, usage.Request: 1}, Cost: chat.Cost{Total: money.MustParse("0.000007")}}
}

// heard is what the caller of q gets for a vendor's answer.
func heard(tb testing.TB, q *embedding.Request, vendor chat.Dialect, body string) (string, meter.Report) {
	tb.Helper()
	a, err := q.Answer(vendor, []byte(body))
	require.NoError(tb, err)
	require.NoError(tb, q.Convert(a))
	return string(q.AppendAnswer(nil, a, told(), bill())), a.Report
}

func base64Of(numbers ...float32) string {
	var raw []byte
	for _, x := range numbers {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

const (
	askFloat  = `{"model":"m","input":["a","b"]}`
	askBase64 = `{"model":"m","input":["a","b"],"encoding_format":"base64"}`
	askBatch  = `{"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]}}]}`
	askSingle = `{"content":{"parts":[{"text":"a"}]}}`
)

func TestAnswers(t *testing.T) {
	t.Parallel()
	openAI := func(first, second string) string {
		return `{"object":"list","data":[{"object":"embedding","index":1,"embedding":` + second + `},{"object":"embedding","index":0,"embedding":` + first + `}],` +
			`"model":"up-1","usage":{"prompt_tokens":7,"total_tokens":7}}`
	}
	const used = `"usage":{"prompt_tokens":7,"total_tokens":7,"cost":0.000007}`
	const usedGemini = `"usageMetadata":{"promptTokenCount":7,"totalTokenCount":7,"cost":0.000007}`
	numbers, text := `[0.5, -1e-3]`, `"`+base64Of(0.25, 2)+`"`
	for name, row := range map[string]struct {
		ask      string
		caller   chat.Dialect
		vendor   chat.Dialect
		answer   string
		want     string
		reported bool
	}{
		"through": {askFloat, chat.OpenAI, chat.OpenAI, openAI(numbers, numbers), strings.Replace(strings.Replace(openAI(numbers, numbers), "up-1", "acme/m", 1),
			`"usage":{"prompt_tokens":7,"total_tokens":7}`, used+`,"id":"gen-1"`, 1), true},
		"through in base64": {askBase64, chat.OpenAI, chat.OpenAI, openAI(text, text), strings.Replace(strings.Replace(openAI(text, text), "up-1", "acme/m", 1),
			`"usage":{"prompt_tokens":7,"total_tokens":7}`, used+`,"id":"gen-1"`, 1), true},
		"numbers though base64 was asked for": {
			askBase64, chat.OpenAI, chat.OpenAI, openAI(numbers, text),
			`{"object":"list","data":[{"object":"embedding","index":0,"embedding":"` + base64Of(0.5, -1e-3) + `"},{"object":"embedding","index":1,"embedding":` + text + `}],"model":"acme/m","id":"gen-1",` + used + `}`, true,
		},
		"from Gemini": {
			askFloat, chat.OpenAI, chat.Gemini, `{"embeddings":[{"values":[0.5 ,` + "\n" + `-1e-3]},{"values":[1]}]}`,
			`{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-1e-3]},{"object":"embedding","index":1,"embedding":[1]}],"model":"acme/m","id":"gen-1",` + used + `}`, false,
		},
		"from Gemini in base64": {
			askBase64, chat.OpenAI, chat.Gemini, `{"embeddings":[{"values":[ 0.5 ]},{"values":[1,-0]}]}`,
			`{"object":"list","data":[{"object":"embedding","index":0,"embedding":"` + base64Of(0.5) + `"},{"object":"embedding","index":1,"embedding":"` + base64Of(1, float32(math.Copysign(0, -1))) + `"}],"model":"acme/m","id":"gen-1",` + used + `}`, false,
		},
		"to Gemini":            {askBatch, chat.Gemini, chat.OpenAI, openAI(numbers, text), `{"embeddings":[{"values":[0.5,-1e-3]},{"values":[0.25,2]}],` + usedGemini + `}`, true},
		"through Gemini":       {askBatch, chat.Gemini, chat.Gemini, `{"embeddings": [{"values":[1]},{"values":[2]}]}`, `{"embeddings": [{"values":[1]},{"values":[2]}],` + usedGemini + `}`, false},
		"through with a usage": {askBatch, chat.Gemini, chat.Gemini, `{"usageMetadata":{"promptTokenCount":7},"embeddings":[{"values":[1]},{"values":[2]}]}`, `{` + usedGemini + `,"embeddings":[{"values":[1]},{"values":[2]}]}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, report := heard(t, read(t, row.caller, row.ask, false), row.vendor, row.answer)
			require.Equal(t, row.want, got)
			require.Equal(t, row.reported, report.Given)
			require.Equal(t, !row.reported, report.Untold)
			if row.reported {
				require.EqualValues(t, 7, report.Prompt)
			}
		})
	}
	got, _ := heard(t, read(t, chat.Gemini, askSingle, true), chat.OpenAI, `{"data":[{"embedding":[1,2]}],"model":"x"}`)
	require.Equal(t, `{"embedding":{"values":[1,2]},`+usedGemini+`}`, got) //nolint:testifylint // the bytes matter
	got, _ = heard(t, read(t, chat.Gemini, askSingle, true), chat.Gemini, `{"embedding":{"values":[1,2]}}`)
	require.Equal(t, `{"embedding":{"values":[1,2]},`+usedGemini+`}`, got) //nolint:testifylint // the bytes matter
	got, _ = heard(t, read(t, chat.OpenAI, `{"model":"m","input":"a"}`, false), chat.OpenAI, `{"data":[{"embedding":[1,2]}],"id":"up","usage":null}`)
	require.Equal(t, `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1,2]}],"model":"acme/m","id":"gen-1",`+used+`}`, got) //nolint:testifylint // the bytes matter
}

// TestAnswersThatAreNone: a vendor must give a vector of numbers for each input.
func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	one := func(vector string) string { return `{"data":[{"embedding":` + vector + `}],"model":"x"}` }
	for _, body := range []string{
		``, `[]`, `"a"`, `<html>`, `{}`, `{"data":[]}`, `{"data":[{}]}`, `{"data":{}}`, `{"data":[{"embedding":[1]},{"embedding":[1]}]}`, one(`[]`), one(`""`),
		one(`[[1]]`), one(`["a"]`), one(`[null]`), one(`[1,{}]`), one(`null`), one(`7`), one(`"not base64"`), one(`"AAA="`), one(`"AADAfw=="`), `{"data":[{"index":1,"embedding":[1]}]}`,
		one(`[1]`) + "x", `{"data":[` + strings.Repeat(`{"embedding":[1]},`, 2048) + `{"embedding":[1]}]}`,
	} {
		q := read(t, chat.Gemini, askSingle, true)
		a, err := q.Answer(chat.OpenAI, []byte(body))
		if err == nil {
			err = q.Convert(a)
		}
		require.Error(t, err, body)
	}
	q := read(t, chat.OpenAI, `{"model":"m","input":"a","encoding_format":"base64"}`, false)
	a, err := q.Answer(chat.Gemini, []byte(`{"embeddings":[{"values":[1e99]}]}`))
	require.NoError(t, err)
	require.Error(t, q.Convert(a), "no number of 32 bits")
	_, err = q.Answer(chat.Gemini, []byte(`{"embeddings":[{"values":[1]},{"values":[1]}]}`))
	require.Error(t, err)
}

func TestReports(t *testing.T) {
	t.Parallel()
	for used, want := range map[string]meter.Report{
		`{"prompt_tokens":7,"total_tokens":8}`:             {Given: true, Prompt: 7, Total: 8, HasTotal: true},
		`{"prompt_tokens":7,"completion_tokens":1}`:        {Given: true, Prompt: 7, Completion: 1},
		`{"prompt_tokens":7.5}`:                            {Given: true, Broken: true},
		`{"prompt_tokens":"7"}`:                            {Given: true, Broken: true},
		`{"prompt_tokens":123456789012345678901234567890}`: {Given: true, Broken: true, Prompt: math.MaxInt64},
		`7`:    {Given: true, Broken: true},
		`null`: {},
	} {
		a, err := read(t, chat.OpenAI, `{"model":"m","input":"a"}`, false).Answer(chat.OpenAI, []byte(`{"data":[{"embedding":[1]}],"usage":`+used+`}`))
		require.NoError(t, err)
		require.Equal(t, want, a.Report, used)
	}
}

// TestNumbersKeepTheirBits: whatever 32-bit numbers a vendor gives, a caller reads the same ones in either form.
func TestNumbersKeepTheirBits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		numbers := rapid.SliceOfN(rapid.Float32(), 1, 20).Draw(rt, "numbers")
		for i, x := range numbers {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				numbers[i] = 0.5
			}
		}
		list, err := json.Marshal(numbers)
		require.NoError(rt, err)
		for _, vector := range []string{string(list), `"` + base64Of(numbers...) + `"`} {
			for _, format := range []string{"float", "base64"} {
				q := read(t, chat.OpenAI, fmt.Sprintf(`{"model":"m","input":"a","encoding_format":%q}`, format), false)
				got, _ := heard(t, q, chat.OpenAI, `{"data":[{"embedding":`+vector+`}]}`)
				var answer struct {
					Data []struct{ Embedding json.RawMessage }
				}
				require.NoError(rt, json.Unmarshal([]byte(got), &answer))
				if format == "base64" {
					require.Equal(rt, `"`+base64Of(numbers...)+`"`, string(answer.Data[0].Embedding))
					continue
				}
				var back []float32
				require.NoError(rt, json.Unmarshal(answer.Data[0].Embedding, &back))
				require.Equal(rt, base64Of(numbers...), base64Of(back...))
			}
		}
	})
}
