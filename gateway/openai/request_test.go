package openai_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/openai"
)

const hello = `"messages":[{"role":"user","content":"hi"}]`

func read(t *testing.T, body string) *openai.Request {
	t.Helper()
	var r openai.Reader
	q, err := r.Request([]byte(body))
	require.NoError(t, err, body)
	return q
}

func TestRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ body, param, message string }{
		"nothing":                {``, "", "not valid JSON"},
		"blanks":                 {" \n ", "", "not valid JSON"},
		"not JSON":               {`model=x`, "", "not valid JSON"},
		"cut off":                {`{"model":"m",` + hello, "", "not valid JSON"},
		"two values":             {`{"model":"m",` + hello + `}{}`, "", "not valid JSON"},
		"an array":               {`[{"model":"m"}]`, "", "not a JSON object"},
		"a string":               {`"model"`, "", "not a JSON object"},
		"null":                   {`null`, "", "not a JSON object"},
		"broken UTF-8":           {"{\"model\":\"m\xff\"," + hello + "}", "", "not valid UTF-8"},
		"half a surrogate":       {`{"model":"m","messages":[{"role":"user","content":"\ud83d"}]}`, "", "not valid JSON"},
		"two models":             {`{"model":"cheap",` + hello + `,"model":"dear"}`, "", "same name twice"},
		"two models, escaped":    {`{"model":"cheap",` + hello + `,"mod\u0065l":"dear"}`, "", "same name twice"},
		"two caps":               {`{"model":"m",` + hello + `,"max_tokens":1,"max_tokens":1000}`, "", "same name twice"},
		"two contents":           {`{"model":"m","messages":[{"role":"user","content":"a","content":"b"}]}`, "", "same name twice"},
		"no model":               {`{` + hello + `}`, "model", "required"},
		"empty model":            {`{"model":"",` + hello + `}`, "model", "required"},
		"null model":             {`{"model":null,` + hello + `}`, "model", "a string"},
		"number as model":        {`{"model":7,` + hello + `}`, "model", "a string"},
		"long model":             {`{"model":"` + strings.Repeat("m", 300) + `",` + hello + `}`, "model", "longer"},
		"model in capitals":      {`{"model":"m",` + hello + `,"Model":"dear"}`, "model", "lower case"},
		"kelvin sign":            {`{"model":"m",` + hello + `,"max_to` + "\u212a" + `ens":9}`, "max_tokens", "lower case"},
		"cap in capitals":        {`{"model":"m",` + hello + `,"Max_Tokens":100000}`, "max_tokens", "lower case"},
		"new cap in capitals":    {`{"model":"m",` + hello + `,"MAX_COMPLETION_TOKENS":1}`, "max_completion_tokens", "lower case"},
		"n in capitals":          {`{"model":"m",` + hello + `,"N":100}`, "n", "lower case"},
		"usage in capitals":      {`{"model":"m",` + hello + `,"stream_options":{"Include_Usage":false}}`, "include_usage", "lower case"},
		"part's type, capitals":  {`{"model":"m","messages":[{"role":"user","content":[{"Type":"file"}]}]}`, "type", "lower case"},
		"no messages":            {`{"model":"m"}`, "messages", "required"},
		"empty messages":         {`{"model":"m","messages":[]}`, "messages", "required"},
		"messages no array":      {`{"model":"m","messages":{"role":"user"}}`, "messages", "an array"},
		"messages null":          {`{"model":"m","messages":null}`, "messages", "an array"},
		"message no object":      {`{"model":"m","messages":[{"role":"user","content":"a"},"b"]}`, "messages[1]", "an object"},
		"content a number":       {`{"model":"m","messages":[{"role":"user","content":1}]}`, "messages[0].content", "a string"},
		"part a string":          {`{"model":"m","messages":[{"role":"user","content":["a"]}]}`, "messages[0].content", "an object"},
		"part's type a number":   {`{"model":"m","messages":[{"role":"user","content":[{"type":1}]}]}`, "messages[0].content", "a string"},
		"too many messages":      {`{"model":"m","messages":[` + strings.Repeat(`{},`, openai.MaxMessages) + `{}]}`, "messages", "more than 10000"},
		"stream a string":        {`{"model":"m",` + hello + `,"stream":"true"}`, "stream", "true or false"},
		"stream a number":        {`{"model":"m",` + hello + `,"stream":1}`, "stream", "true or false"},
		"options a string":       {`{"model":"m",` + hello + `,"stream_options":"x"}`, "stream_options", "an object"},
		"include_usage a string": {`{"model":"m",` + hello + `,"stream_options":{"include_usage":"x"}}`, "stream_options.include_usage", "true or false"},
		"n zero":                 {`{"model":"m",` + hello + `,"n":0}`, "n", "between 1 and 128"},
		"n negative":             {`{"model":"m",` + hello + `,"n":-3}`, "n", "between 1 and 128"},
		"n large":                {`{"model":"m",` + hello + `,"n":129}`, "n", "between 1 and 128"},
		"n a fraction":           {`{"model":"m",` + hello + `,"n":1.5}`, "n", "whole number"},
		"n a string":             {`{"model":"m",` + hello + `,"n":"2"}`, "n", "whole number"},
		"cap zero":               {`{"model":"m",` + hello + `,"max_tokens":0}`, "max_tokens", "between 1 and"},
		"cap negative":           {`{"model":"m",` + hello + `,"max_tokens":-1}`, "max_tokens", "between 1 and"},
		"cap minus zero":         {`{"model":"m",` + hello + `,"max_tokens":-0}`, "max_tokens", "between 1 and"},
		"cap a fraction":         {`{"model":"m",` + hello + `,"max_tokens":10.0}`, "max_tokens", "whole number"},
		"cap with an exponent":   {`{"model":"m",` + hello + `,"max_tokens":1e3}`, "max_tokens", "whole number"},
		"cap huge":               {`{"model":"m",` + hello + `,"max_tokens":99999999999999999999999}`, "max_tokens", "between 1 and"},
		"cap overflowing":        {`{"model":"m",` + hello + `,"max_completion_tokens":9223372036854775807}`, "max_completion_tokens", "between 1 and"},
		"cap true":               {`{"model":"m",` + hello + `,"max_tokens":true}`, "max_tokens", "whole number"},
		"caps that contradict":   {`{"model":"m",` + hello + `,"max_tokens":10,"max_completion_tokens":11}`, "max_completion_tokens", "contradict"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r openai.Reader
			_, err := r.Request([]byte(row.body))
			var e *domain.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, domain.CodeInvalid, e.Code)
			require.Contains(t, e.Message, row.message)
			require.Equal(t, row.param, e.Details["param"])
		})
	}
}

func TestDeepNestingIsRefusedWithoutHarm(t *testing.T) {
	t.Parallel()
	var r openai.Reader
	_, err := r.Request([]byte(`{"model":"m",` + hello + `,"x":` + strings.Repeat("[", 1<<20)))
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
}

func TestWhatIsReadOfARequest(t *testing.T) {
	t.Parallel()
	q := read(t, ` {"messages":[{"role":"user","content":"hi"}],"model":"a/b","stream":true,"n":3,"max_completion_tokens":50,"new":{"field":[1]}} `)
	require.Equal(t, "a/b", q.Model)
	require.True(t, q.Stream)
	require.Equal(t, int64(3), q.Choices)
	require.Equal(t, int64(50), q.Cap)
	require.Equal(t, "max_completion_tokens", q.CapName())

	q = read(t, `{"mod\u0065l":"a\/b",`+hello+`,"stream":null,"n":null,"max_tokens":null,"stream_options":null}`)
	require.Equal(t, "a/b", q.Model)
	require.False(t, q.Stream)
	require.Equal(t, int64(1), q.Choices)
	require.Zero(t, q.Cap)

	q = read(t, `{"model":"m",`+hello+`,"max_tokens":7,"max_completion_tokens":7}`)
	require.Equal(t, int64(7), q.Cap)
}

func TestThousandsOfMessages(t *testing.T) {
	t.Parallel()
	body := `{"model":"m","messages":[` + strings.Repeat(`{"role":"user","content":"a"},`, openai.MaxMessages-1) + `{"role":"user","content":"a"}]}`
	require.Equal(t, int64(len(body)), read(t, body).PromptBound(1<<30, 0))
}

func TestPromptBound(t *testing.T) {
	t.Parallel()
	const context, image = 100_000, 1_000
	part := func(p string) string {
		return `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"look"},` + p + `]}]}`
	}
	data := "data:image/png;base64," + strings.Repeat("A", 5000)
	for name, row := range map[string]struct {
		body string
		want func(body string) int64
	}{
		"bytes":                  {`{"model":"m",` + hello + `}`, func(b string) int64 { return int64(len(b)) }},
		"at most the context":    {`{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("x", 2*context) + `"}]}`, func(string) int64 { return context }},
		"fetched image":          {part(`{"type":"image_url","image_url":{"url":"https://x/y.png"}}`), func(b string) int64 { return int64(len(b)) + image }},
		"inline image":           {part(`{"type":"image_url","image_url":{"detail":"low","url":"` + data + `"}}`), func(b string) int64 { return int64(len(b)-len(data)-2) + image }},
		"inline image, bare":     {part(`{"image_url":"` + data + `","type":"image_url"}`), func(b string) int64 { return int64(len(b)-len(data)-2) + image }},
		"inline image, escaped":  {part(`{"type":"image_url","image_url":{"url":"data:image\/png;base64,` + strings.Repeat("A", 5000) + `"}}`), func(b string) int64 { return int64(len(b)-len(data)-3) + image }},
		"inline image, capitals": {part(`{"type":"image_url","image_url":{"url":"DATA:IMAGE/PNG;base64,` + strings.Repeat("A", 5000) + `"}}`), func(b string) int64 { return int64(len(b)-len(data)-2) + image }},
		"two images":             {part(`{"type":"image_url","image_url":{"url":"https://x"}},{"type":"image_url","image_url":{"url":"https://y"}}`), func(b string) int64 { return int64(len(b)) + 2*image }},
		"image in a text part":   {part(`{"type":"text","text":"x","image_url":{"url":"` + data + `"}}`), func(b string) int64 { return int64(len(b)) }},
		"document as an image":   {part(`{"type":"image_url","image_url":{"url":"data:application/pdf;base64,AAAA"}}`), func(string) int64 { return context }},
		"hidden document":        {part(`{"type":"image_url","image_url":{"url":"d\u0061ta:application/pdf;base64,AAAA"}}`), func(string) int64 { return context }},
		"file":                   {part(`{"type":"file","file":{"file_id":"f"}}`), func(string) int64 { return context }},
		"sound":                  {part(`{"type":"input_audio","input_audio":{"data":"AA","format":"wav"}}`), func(string) int64 { return context }},
		"film":                   {part(`{"type":"video_url","video_url":{"url":"https://x"}}`), func(string) int64 { return context }},
		"part without a type":    {part(`{"text":"x"}`), func(string) int64 { return context }},
		"earlier sound":          {`{"model":"m","messages":[{"role":"assistant","audio":{"id":"a"}}]}`, func(string) int64 { return context }},
		"search":                 {`{"model":"m",` + hello + `,"web_search_options":{}}`, func(string) int64 { return context }},
		"no search":              {`{"model":"m",` + hello + `,"web_search_options":null}`, func(b string) int64 { return int64(len(b)) }},
		"functions":              {`{"model":"m",` + hello + `,"tools":[{"type":"function","function":{"name":"f"}}]}`, func(b string) int64 { return int64(len(b)) }},
		"the vendor's own tool":  {`{"model":"m",` + hello + `,"tools":[{"type":"web_search"}]}`, func(string) int64 { return context }},
		"refusal":                {part(`{"type":"refusal","refusal":"no"}`), func(b string) int64 { return int64(len(b)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, row.want(row.body), read(t, row.body).PromptBound(context, image))
		})
	}
}

func TestPromptOfAnEstimate(t *testing.T) {
	t.Parallel()
	q := read(t, `{"model":"m","messages":[{"role":"system","content":"Be \"brief\"."},{"role":"user","name":"Ann","content":[{"type":"text","text":" Hi"},`+
		`{"type":"image_url","image_url":{"url":"https://x"}}]},{"role":"assistant","content":null,"tool_calls":[{"id":"1"}]}],"tools":[{"type":"function"}]}`)
	var r openai.Reader
	p, err := r.Prompt(q)
	require.NoError(t, err)
	require.Equal(t, `Be "brief".Ann Hi[{"id":"1"}][{"type":"function"}]`, p.Text)
	require.Equal(t, int64(3), p.Messages)
	require.Equal(t, int64(1), p.Images)
}
