package gemini_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/gemini"
	"github.com/massrouter/massrouter/gateway/meter"
)

var _ chat.Reader = gemini.Reader{}

func answer(t *testing.T, body string) *chat.Answer {
	t.Helper()
	a, err := gemini.Reader{}.Answer([]byte(body))
	require.NoError(t, err)
	return a
}

func TestFinishReasons(t *testing.T) {
	t.Parallel()
	const call = `{"functionCall":{"name":"f"}}`
	for _, row := range []struct {
		native, parts string
		want          chat.Finish
	}{
		{"STOP", `{"text":"a"}`, chat.Stopped},
		{"STOP", call, chat.ToolCalls},
		{"MAX_TOKENS", call, chat.Length},
		{"SAFETY", "", chat.ContentFilter},
		{"RECITATION", "", chat.ContentFilter},
		{"BLOCKLIST", "", chat.ContentFilter},
		{"PROHIBITED_CONTENT", "", chat.ContentFilter},
		{"SPII", "", chat.ContentFilter},
		{"IMAGE_SAFETY", "", chat.ContentFilter},
		{"IMAGE_OTHER", "", chat.ContentFilter},
		{"MALFORMED_FUNCTION_CALL", "", chat.Failed},
		{"UNEXPECTED_TOOL_CALL", "", chat.Failed},
		{"OTHER", "", chat.Failed},
		{"SOMETHING_NEW", "", chat.Failed},
		{"FINISH_REASON_UNSPECIFIED", "", ""},
	} {
		a := answer(t, `{"candidates":[{"content":{"parts":[`+row.parts+`]},"finishReason":"`+row.native+`"}]}`)
		require.Equal(t, row.want, a.Choices[0].Finish, row.native)
		require.Equal(t, row.native, a.Choices[0].Native)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for usage, want := range map[string]meter.Report{
		`{"promptTokenCount":20,"toolUsePromptTokenCount":130,"cachedContentTokenCount":7,"candidatesTokenCount":3,"thoughtsTokenCount":64,"totalTokenCount":217}`: {
			Given: true, Prompt: 150, Cached: 7, Completion: 67, Reasoning: 64, Total: 217, HasTotal: true,
		},
		`{"promptTokenCount":20,"candidatesTokenCount":null,"totalTokenCount":null}`: {Given: true, Prompt: 20},
		`null`:                         {},
		`[]`:                           {Given: true, Broken: true},
		`{"promptTokenCount":1.5}`:     {Given: true, Broken: true},
		`{"promptTokenCount":"1"}`:     {Given: true, Broken: true},
		`{"thoughtsTokenCount":1e3}`:   {Given: true, Broken: true},
		`{"candidatesTokenCount":1.0}`: {Given: true, Broken: true},
		`{"promptTokenCount":-5,"toolUsePromptTokenCount":10}`:                   {Given: true, Prompt: -5},
		`{"promptTokenCount":9223372036854775807,"toolUsePromptTokenCount":1}`:   {Given: true, Broken: true},
		`{"candidatesTokenCount":9223372036854775808}`:                           {Given: true, Broken: true},
		`{"promptTokenCount":9223372036854775807,"toolUsePromptTokenCount":0}`:   {Given: true, Prompt: 1<<63 - 1},
		`{"promptTokenCount":1,"promptTokenCount":2,"promptTokensDetails":[{}]}`: {Given: true, Prompt: 2},
	} {
		a := answer(t, `{"candidates":[{}],"usageMetadata":`+usage+`}`)
		require.Equal(t, want, a.Report, usage)
	}
}

func TestIDsOfCalls(t *testing.T) {
	t.Parallel()
	const calls = `"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}},{"functionCall":{"name":"f"}}]}}]`
	ids := func(head string) []string {
		a := answer(t, `{`+head+calls+`}`)
		return []string{a.Choices[0].Parts[0].Call.ID, a.Choices[0].Parts[1].Call.ID}
	}
	require.Equal(t, []string{"call_mAit-aL_9_0", "call_mAit-aL_9_1"}, ids(`"responseId":"mAit-aL_9",`))
	for _, head := range []string{``, `"responseId":"` + strings.Repeat("x", 99) + `",`, `"responseId":"ü\n",`} {
		got := ids(head)
		require.Equal(t, got, ids(head), "the same every time")
		require.NotEqual(t, got[0], got[1])
		for _, id := range got {
			require.Regexp(t, `^call_[0-9a-f]{24}_[01]$`, id)
		}
	}
	require.NotEqual(t, ids(`"responseId":"a b",`), ids(`"responseId":"a c",`))
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]*chat.Failure{
		`{"error":"no"}`:           {Message: "no"},
		`{"error":{"code":"x"}}`:   {},
		`{"error":null}`:           nil,
		`{}`:                       nil,
		`[]`:                       nil,
		`<html>`:                   nil,
		`{"error":{"code":1}} x`:   nil,
		`"error"`:                  nil,
		`[{"error":{"code":400}}]`: {Code: "400"},
		`{"error":{"code":429,"details":{"violations":[{"quotaId":"PerDay"}],"retryDelay":"1s"}}}`: {Code: "PerDay", RetryAfter: 1000},
	} {
		require.Equal(t, want, gemini.Reader{}.Failure([]byte(body)), body)
	}
}

func TestRetryDelays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"34s": 34_000, "34.074824224s": 34_075, "0s": 0, "0.0000001s": 1, "1.5s": 1500, "9999999s": 86_400_000,
		"": 0, "34": 0, "-3s": 0, "+3s": 0, "s": 0, "1.s": 1000, ".5s": 0, "1.2.3s": 0, "99999999999999999999s": 0, "1e3s": 0, "1.-5s": 0,
	} {
		body := `{"error":{"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"` + text + `"}]}}`
		require.Equal(t, want, gemini.Reader{}.Failure([]byte(body)).RetryAfter, text)
	}
}

func TestWhatIsNoAnswer(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `null`, `[]`, `{}`, `{"candidates":[]}`, `{"candidates":null}`, `<html>`, `{"candidates":[{}]`, `{"candidates":[{}]} 1`,
		`{"promptFeedback":{}}`, `{"choices":[{}]}`, `{"candidates":[` + strings.Repeat("{},", 128) + `{}]}`,
		strings.Repeat(`[`, 100_000),
	} {
		_, err := gemini.Reader{}.Answer([]byte(body))
		require.Error(t, err, "%.60s", body)
	}
}

func TestWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	for _, data := range []string{``, `x`, `{}`, `{"object":"chat.completion.chunk","choices":[]}`, `{"candidates":[{}]`, `7`} {
		d := gemini.Reader{}.Stream()
		_, err := d.Decode("", []byte(data), nil)
		require.Error(t, err, data)
		require.Empty(t, d.End(nil))
	}
	d := gemini.Reader{}.Stream()
	events, err := d.Decode("", []byte(` [DONE] `), nil)
	require.NoError(t, err)
	require.Empty(t, events)
}

func TestStreamsAreBoundedInChoices(t *testing.T) {
	t.Parallel()
	d := gemini.Reader{}.Stream()
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		_, err = d.Decode("", []byte(`{"candidates":[{"index":`+"1"+pad(n)+`}]}`), nil)
	}
	require.Error(t, err)
	require.Equal(t, gemini.MaxChoices+1, n)
}

func pad(n int) string {
	const digits = "0123456789"
	return string([]byte{digits[n/100%10], digits[n/10%10], digits[n%10]})
}

// FuzzReader: no bytes of a vendor break the reader, and what it reads keeps the contract of events.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		`{"candidates":[{"content":{"parts":[{"text":"a"},{"text":"b","thought":true,"thoughtSignature":"c"},{"functionCall":{"args":[1]}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1}}`,
		`{"candidates":{"index":7,"content":{"parts":{"inlineData":{"mimeType":"audio/x"}}}},"promptFeedback":{"blockReason":"OTHER"}}`,
		`[{"error":{"code":429,"details":[{"retryDelay":"1.5s","violations":[{"quotaId":"a"}]}]}}]`,
		"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\xff\",\"functionCall\":{\"args\":{\"a\":\"\xff\"}}}]}}]}",
		`{"promptFeedback":{"blockReason":"SAFETY"}}`, `[DONE]`, `{`, ``,
	} {
		f.Add([]byte(seed), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, one, two []byte) {
		before := string(one)
		if a, err := (gemini.Reader{}).Answer(one); err == nil {
			require.NotEmpty(t, a.Choices)
			requireWritable(t, a)
			written := gemini.Writer{}.Answer(nil, a, &told, bill())
			_, err := gemini.Reader{}.Answer(written)
			require.NoError(t, err, "%s", written)
		}
		_ = gemini.Reader{}.Failure(one)
		d := gemini.Reader{}.Stream()
		var all []chat.Event
		for _, data := range [][]byte{one, two, one} {
			events, err := d.Decode("", data, nil)
			if err != nil {
				return
			}
			all = append(all, events...)
		}
		all = append(all, d.End(nil)...)
		requireOrder(t, all)
		require.Equal(t, before, string(one), "reading changes nothing")
		e := gemini.Writer{}.Stream(&told)
		var stream []byte
		for i := range all {
			stream = e.Encode(stream, &all[i])
		}
		decode(t, e.End(stream, bill()))
	})
}
