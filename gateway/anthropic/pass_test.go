package anthropic_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/anthropic"
	"github.com/massrouter/massrouter/gateway/meter"
)

func request(t *testing.T, body string) *anthropic.Request {
	t.Helper()
	var s anthropic.Scanner
	q, err := s.Request([]byte(body))
	require.NoError(t, err, body)
	return q
}

func TestRequestsThatDoNotPass(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ body, param, message string }{
		"nothing":            {``, "", "not valid JSON"},
		"an array":           {`[]`, "", "not a JSON object"},
		"two values":         {body("") + `{}`, "", "not valid JSON"},
		"two models":         {body(`,"model":"dear"`), "", "same name twice"},
		"deep down":          {body(`,"metadata":{"a":1,"a":2}`), "", "same name twice"},
		"a bomb":             {body(`,"x":` + strings.Repeat("[", 1<<20)), "", "not valid JSON"},
		"a bomb of contents": {`{"model":"m","messages":[{"content":` + strings.Repeat(`[{"content":`, 1<<18), "", "not valid JSON"},
		"no model":           {`{` + hi + `}`, "model", "required"},
		"model null":         {`{"model":null,` + hi + `}`, "model", "a string"},
		"model in capitals":  {body(`,"MODEL":"dear"`), "model", "lower case"},
		"cap in capitals":    {body(`,"Max_Tokens":100000`), "max_tokens", "lower case"},
		"speed in capitals":  {body(`,"Speed":"fast"`), "speed", "lower case"},
		"type in capitals":   {block(`{"Type":"document"}`), "type", "lower case"},
		"source in capitals": {block(`{"type":"image","Source":{}}`), "source", "lower case"},
		"tool in capitals":   {body(`,"tools":[{"TYPE":"web_search_20250305"}]`), "type", "lower case"},
		"no messages":        {`{"model":"m"}`, "messages", "required"},
		"messages an object": {`{"model":"m","messages":{}}`, "messages", "an array"},
		"message a text":     {`{"model":"m","messages":["a"]}`, "messages", "an object"},
		"content a number":   {turn("user", `1`), "messages", "a string or an array"},
		"block a text":       {turn("user", `["a"]`), "messages", "an object"},
		"block's type":       {block(`{"type":1}`), "messages", "a string"},
		"system an object":   {body(`,"system":{}`), "system", "a string or an array"},
		"too many messages":  {`{"model":"m","messages":[` + strings.Repeat(`{},`, anthropic.MaxMessages) + `{}]}`, "messages", "more than 10000"},
		"too many blocks":    {turn("user", `[`+strings.Repeat(`{},`, anthropic.MaxBlocks)+`{}]`), "messages", "at most 100000"},
		"stream a text":      {body(`,"stream":"true"`), "stream", "true or false"},
		"cap a text":         {`{"model":"m","max_tokens":"1"}`, "max_tokens", "whole number"},
		"cap above all":      {`{"model":"m","max_tokens":10000001}`, "max_tokens", "between 1 and"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s anthropic.Scanner
			_, err := s.Request([]byte(row.body))
			var e *domain.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, domain.CodeInvalid, e.Code)
			require.Contains(t, e.Message, row.message)
			require.Equal(t, row.param, e.Details["param"])
		})
	}
}

func TestSplice(t *testing.T) {
	t.Parallel()
	up := anthropic.Upstream{Model: `claude "x"`, Cap: 50}
	for name, row := range map[string]struct{ body, want string }{
		"both":         {`{ "model" : "m", "max_tokens": 7 ,"messages":[{}], "new":{"a":[1e400]} }`, `{ "model" : "claude \"x\"", "max_tokens": 50 ,"messages":[{}], "new":{"a":[1e400]} }`},
		"the same cap": {`{"max_tokens":50,"messages":[{}],"mod\u0065l":"m"}`, `{"max_tokens":50,"messages":[{}],"mod\u0065l":"claude \"x\""}`},
		"no cap":       {` {"model":"m","messages":[{}] } `, ` {"model":"claude \"x\"","messages":[{}] ,"max_tokens":50} `},
		"a cap null":   {`{"model":"m","max_tokens":null,"messages":[{}]}`, `{"model":"claude \"x\"","max_tokens":50,"messages":[{}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, "before"+row.want, string(request(t, row.body).Splice([]byte("before"), up)))
		})
	}
	q := request(t, body(`,"stream":true,"speed":"fast","service_tier":null,"inference_geo":"us"`))
	require.Equal(t, "m", q.Model)
	require.Equal(t, int64(10), q.Cap)
	require.True(t, q.Stream)
	require.Equal(t, []string{"speed", "inference_geo"}, q.Priced)
	require.Equal(t, "max_tokens", q.CapName())
}

func TestPromptBound(t *testing.T) {
	t.Parallel()
	const context, image = 100_000, 1_000
	data := strings.Repeat("A", 5000)
	size := func(b string) int64 { return int64(len(b)) }
	all := func(string) int64 { return context }
	inline := func(b string) int64 { return size(b) - 5002 + image }
	for name, row := range map[string]struct {
		body string
		want func(body string) int64
	}{
		"bytes":               {body(""), size},
		"at most the context": {body(`,"system":"` + strings.Repeat("x", 2*context) + `"`), all},
		"fetched image":       {block(`{"type":"image","source":{"type":"url","url":"x"}}`), func(b string) int64 { return size(b) + image }},
		"inline image":        {block(`{"source":{"data":"` + data + `","type":"base64"},"type":"image"}`), inline},
		"image of a result":   {block(`{"type":"tool_result","content":[{"type":"image","source":{"type":"base64","data":"` + data + `"}}]}`), inline},
		"the vendor's image":  {block(`{"type":"image","source":{"type":"file","file_id":"f"}}`), all},
		"image without any":   {block(`{"type":"image"}`), all},
		"document":            {block(`{"type":"document","source":{"type":"base64","data":"A"}}`), all},
		"document of text":    {block(`{"type":"document","source":{"type":"text","data":"A"}}`), size},
		"document in system":  {body(`,"system":[{"type":"document"}]`), all},
		"a call":              {turn("assistant", `[{"type":"tool_use","id":"a","name":"f","input":{}},{"type":"thinking","thinking":"","signature":"s"}]`), size},
		"the vendor's call":   {block(`{"type":"server_tool_use"}`), all},
		"no type":             {block(`{}`), all},
		"tools":               {body(`,"tools":[{"name":"f"},{"type":"custom"},{"type":null}]`), func(b string) int64 { return size(b) + 1000 }},
		"the vendor's tool":   {body(`,"tools":[{"type":"web_search_20250305"}]`), all},
		"a schema":            {body(`,"output_config":{"format":{}}`), func(b string) int64 { return size(b) + 1000 }},
		"servers":             {body(`,"mcp_servers":[{}]`), all},
		"no servers":          {body(`,"mcp_servers":null,"container":null`), size},
		"a container":         {body(`,"container":"c"`), all},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, row.want(row.body), request(t, row.body).PromptBound(context, image))
		})
	}
}

func TestPromptOfAnEstimate(t *testing.T) {
	t.Parallel()
	q := request(t, `{"model":"m","system":[{"type":"text","text":"Be \"brief\"."}],"messages":[{"role":"user","content":[{"type":"text","text":" Hi"},{"type":"image","source":{"type":"base64","data":"AAAA"}}]},`+
		`{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":{"a":1}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":"ok"}]}]},{"role":"user","content":"!"}],"tools":[{"name":"f"}]}`)
	var s anthropic.Scanner
	p, err := s.Prompt(q)
	require.NoError(t, err)
	require.Equal(t, meter.Prompt{Text: `Be "brief". Hif{"a":1}ok![{"name":"f"}]`, Messages: 4, Images: 1}, p)
}

func produced() *meter.Produced {
	p := meter.NewProduced(meter.NewBudget(1<<20), 1<<20)
	return &p
}

func TestAnswersPass(t *testing.T) {
	t.Parallel()
	w := anthropic.NewRewrite("gen-1", "a/b", "V")
	for name, want := range recorded() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := file(t, name+".json")
			var s anthropic.Scanner
			p := produced()
			a, err := s.Answer(raw, p)
			require.NoError(t, err)
			require.True(t, a.Shaped())
			require.True(t, p.Any())
			require.Equal(t, want.ID, a.ID())
			require.Equal(t, want.Report, a.Report)
			require.Equal(t, want.Choices[0].Native, a.Finish)
			requireRenamed(t, raw, a.Append(nil, &w, []byte(`{"cost":1.5}`)), map[string]string{
				"id": `"gen-1"`, "model": `"a/b"`, "provider": `"V"`, "usage": `{"cost":1.5}`,
			})
		})
	}
}

// requireRenamed compares the members of two objects: those that are named have changed, all others have their bytes.
func requireRenamed(t *testing.T, was, is []byte, changed map[string]string) {
	t.Helper()
	var before, after map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(was, &before))
	require.NoError(t, json.Unmarshal(is, &after), "%s", is)
	for name, value := range changed {
		require.Equal(t, value, string(after[name]), name)
		delete(before, name)
		delete(after, name)
	}
	require.Equal(t, before, after)
}

func TestAnswersWithoutNames(t *testing.T) {
	t.Parallel()
	w := anthropic.NewRewrite("gen-1", "a/b", "V")
	for raw, want := range map[string]string{
		`{"content":[]}`: `{"content":[],"id":"gen-1","model":"a/b","provider":"V","usage":{}}`,
		`{"provider":{"x":1},"content":[],"usage":null,"id":7} `: `{"provider":"V","content":[],"usage":{},"id":"gen-1","model":"a/b"} `,
	} {
		var s anthropic.Scanner
		a, err := s.Answer([]byte(raw), new(meter.Produced))
		require.NoError(t, err)
		require.Empty(t, a.ID())
		require.Equal(t, want, string(a.Append(nil, &w, []byte(`{}`))))
	}
	var s anthropic.Scanner
	a, err := s.Answer(file(t, "error.json"), new(meter.Produced))
	require.NoError(t, err)
	require.False(t, a.Shaped())
	require.Equal(t, "enforced_spend_limit_reached", a.Failure.Code)
}

func TestStreamsPass(t *testing.T) {
	t.Parallel()
	w := anthropic.NewRewrite("gen-1", "a/b", "V")
	for name, want := range recorded() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s anthropic.Scanner
			var out []byte
			p := produced()
			var last anthropic.Event
			raw := eventsOf(t, file(t, name+".sse"))
			for _, one := range raw {
				e, err := s.Event("", []byte(one.data), p)
				require.NoError(t, err)
				require.Equal(t, one.name, e.Type)
				if e.Type == anthropic.MessageStart {
					require.Equal(t, want.ID, e.ID())
				}
				if e.Type == anthropic.MessageDelta {
					last = e
					out = e.AppendUsage(out, []byte(`{"cost":1.5}`))
					continue
				}
				require.False(t, e.Report.Given)
				out = e.Append(out, &w)
			}
			require.True(t, p.Any())
			require.Equal(t, want.Report, last.Report)
			require.Equal(t, want.Choices[0].Native, last.Finish)
			for i, one := range eventsOf(t, out) {
				require.Equal(t, raw[i].name, one.name)
				switch one.name {
				case "message_start":
					var was, is struct{ Message json.RawMessage }
					require.NoError(t, json.Unmarshal([]byte(raw[i].data), &was))
					require.NoError(t, json.Unmarshal([]byte(one.data), &is))
					requireRenamed(t, was.Message, is.Message, map[string]string{"id": `"gen-1"`, "model": `"a/b"`, "provider": `"V"`})
				case "message_delta":
					requireRenamed(t, []byte(raw[i].data), []byte(one.data), map[string]string{"usage": `{"cost":1.5}`})
				default:
					require.Equal(t, raw[i].data, one.data)
				}
			}
		})
	}
}

// What came of a stream that broke can be counted, whole answers and streams alike.
func TestWhatWasProduced(t *testing.T) {
	t.Parallel()
	var c meter.Counter
	bounds := meter.Bounds{Context: 1 << 20, Prompt: 1 << 20, Completion: 1 << 20}
	for name := range recorded() {
		var s anthropic.Scanner
		whole, streamed := produced(), produced()
		_, err := s.Answer(file(t, name+".json"), whole)
		require.NoError(t, err)
		for _, one := range eventsOf(t, file(t, name+".sse")) {
			_, err := s.Event(one.name, []byte(one.data), streamed)
			require.NoError(t, err)
		}
		want, err := c.Estimate(meter.Prompt{}, whole, bounds)
		require.NoError(t, err)
		got, err := c.Estimate(meter.Prompt{}, streamed, bounds)
		require.NoError(t, err)
		require.Equal(t, want, got, name)
		require.Positive(t, got.Completion(), name)
	}
}

func TestEventsThatDoNotPass(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, data string }{
		{"", `{}`}, {"ping", ``}, {"ping", `[]`}, {"ping", `{"type":"a\nevent: b"}`}, {"a b", `{}`}, {"", `{"type":""}`}, {"ping", `{"type":"ping"`},
	} {
		var s anthropic.Scanner
		_, err := s.Event(row.name, []byte(row.data), new(meter.Produced))
		require.Error(t, err, row.data)
	}
	var s anthropic.Scanner
	e, err := s.Event("error", []byte("{\r\n\"error\":{\"type\":\"overloaded_error\"}\n}"), new(meter.Produced))
	require.NoError(t, err)
	require.Equal(t, "overloaded_error", e.Failure.Type)
	require.Equal(t, "event: error\ndata: {  \"error\":{\"type\":\"overloaded_error\"} }\n\n", string(e.Append(nil, new(anthropic.Rewrite))))
	e, err = s.Event("message_delta", []byte(`{"delta":{}}`), new(meter.Produced))
	require.NoError(t, err)
	require.False(t, e.Report.Given)
	require.Equal(t, "event: message_delta\ndata: {\"delta\":{},\"usage\":{}}\n\n", string(e.AppendUsage(nil, []byte(`{}`))))
}

func TestEndsOfStreams(t *testing.T) {
	t.Parallel()
	w := anthropic.NewRewrite("gen-1", "a/b", "V")
	const last = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":null,\"stop_sequence\":null},\"usage\":{}}\n\n"
	require.Equal(t, last, string(w.AppendLast(nil, []byte(`{}`))))
	failure := anthropic.AppendFailure(nil, "api_error", "x", "")
	require.Equal(t, last+"event: error\ndata: "+string(failure)+"\n\n", string(w.AppendFailure(nil, failure, []byte(`{}`))))
	require.Equal(t, "event: error\ndata: "+string(failure)+"\n\n", string(w.AppendFailure(nil, failure, nil)))
}
