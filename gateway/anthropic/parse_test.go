package anthropic_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/anthropic"
	"github.com/massrouter/massrouter/gateway/chat"
)

const hi = `"max_tokens":10,"messages":[{"role":"user","content":"hi"}]`

func body(more string) string { return `{"model":"m",` + hi + more + `}` }

func turn(role, content string) string {
	return `{"model":"m","max_tokens":10,"messages":[{"role":"` + role + `","content":` + content + `}]}`
}

func block(b string) string { return turn("user", `[{"type":"text","text":"a"},`+b+`]`) }

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ body, param, message string }{
		"nothing":              {``, "", "not valid JSON"},
		"not JSON":             {`model=x`, "", "not valid JSON"},
		"cut off":              {`{"model":"m",` + hi, "", "not valid JSON"},
		"two values":           {body("") + `{}`, "", "not valid JSON"},
		"an array":             {`[` + body("") + `]`, "", "not a JSON object"},
		"null":                 {`null`, "", "not a JSON object"},
		"broken UTF-8":         {body(",\"system\":\"\xff\""), "", "not valid UTF-8"},
		"half a surrogate":     {body(`,"system":"\ud83d"`), "", "not valid JSON"},
		"a bomb":               {body(`,"x":` + strings.Repeat("[", 1<<20)), "", "not valid JSON"},
		"two models":           {body(`,"model":"dear"`), "", "same name twice"},
		"two models, escaped":  {body(`,"mod\u0065l":"dear"`), "", "same name twice"},
		"two contents":         {`{"model":"m","messages":[{"role":"user","content":"a","content":"b"}]}`, "", "same name twice"},
		"two inner names":      {body(`,"thinking":{"type":"disabled","type":"enabled"}`), "", "same name twice"},
		"no model":             {`{` + hi + `}`, "model", "required"},
		"model a number":       {`{"model":1,` + hi + `}`, "model", "a string"},
		"long model":           {`{"model":"` + strings.Repeat("m", 300) + `",` + hi + `}`, "model", "longer"},
		"model in capitals":    {body(`,"Model":"dear"`), "model", "lower case"},
		"kelvin sign":          {body(",\"max_to\u212aens\":9"), "max_tokens", "lower case"},
		"block in capitals":    {block(`{"Type":"text","text":"x"}`), "type", "lower case"},
		"tool in capitals":     {body(`,"tools":[{"Name":"f"}]`), "name", "lower case"},
		"no messages":          {`{"model":"m"}`, "messages", "required"},
		"empty messages":       {`{"model":"m","messages":[]}`, "messages", "required"},
		"messages a text":      {`{"model":"m","messages":"hi"}`, "messages", "an array"},
		"message a text":       {`{"model":"m","messages":["hi"]}`, "messages", "an object"},
		"too many messages":    {`{"model":"m","messages":[` + strings.Repeat(`{"role":"user","content":"a"},`, anthropic.MaxMessages) + `{"role":"user","content":"a"}]}`, "messages", "more than 10000"},
		"too many blocks":      {turn("user", `[`+strings.Repeat(`{"type":"text","text":""},`, anthropic.MaxBlocks)+`{"type":"text","text":""}]`), "messages", "at most 100000"},
		"too many tools":       {body(`,"tools":[` + strings.Repeat(`{"name":"f","input_schema":{}},`, anthropic.MaxTools) + `{}]`), "tools", "more than 10000"},
		"too many stops":       {body(`,"stop_sequences":[` + strings.Repeat(`"a",`, 1000) + `"a"]`), "stop_sequences", "more than 1000"},
		"system as a role":     {turn("system", `"a"`), "messages[0].role", "user or assistant"},
		"no role":              {`{"model":"m","messages":[{"content":"a"}]}`, "messages[0].role", "user or assistant"},
		"role a number":        {`{"model":"m","messages":[{"role":1,"content":"a"}]}`, "messages[0].role", "a string"},
		"no content":           {`{"model":"m","messages":[{"role":"user"}]}`, "messages[0].content", "a string or an array"},
		"content an object":    {turn("user", `{}`), "messages[0].content", "a string or an array"},
		"block a text":         {turn("user", `["a"]`), "messages[0].content[0].content", "an object"},
		"block without a type": {block(`{"text":"x"}`), "messages[0].content[1].type", "has a type"},
		"type a number":        {block(`{"type":1}`), "messages[0].content[1].type", "a string"},
		"text a number":        {block(`{"type":"text","text":1}`), "messages[0].content[1].text", "a string"},
		"text missing":         {block(`{"type":"text"}`), "messages[0].content[1].text", "a string"},
		"unknown block":        {block(`{"type":"server_tool_use","id":"a"}`), "messages[0].content[1].type", "one vendor only"},
		"call of a user":       {block(`{"type":"tool_use","id":"a","name":"f","input":{}}`), "messages[0].content[1].type", "no such block"},
		"document, assistant":  {turn("assistant", `[{"type":"document","source":{"type":"url","url":"x"}}]`), "messages[0].content[0].type", "no such block"},
		"call without input":   {turn("assistant", `[{"type":"tool_use","id":"a","name":"f"}]`), "messages[0].content[0].input", "an object"},
		"input a text":         {turn("assistant", `[{"type":"tool_use","id":"a","name":"f","input":"{}"}]`), "messages[0].content[0].input", "an object"},
		"result without id":    {block(`{"type":"tool_result"}`), "messages[0].content[1].tool_use_id", "tool_use_id"},
		"result in a result":   {block(`{"type":"tool_result","tool_use_id":"a","content":[{"type":"tool_result","tool_use_id":"b"}]}`), "messages[0].content[1].content.tool_use_id", "tool_use_id"},
		"thinking a number":    {turn("assistant", `[{"type":"thinking","thinking":1}]`), "messages[0].content[0].thinking", "a string"},
		"no source":            {block(`{"type":"image"}`), "messages[0].content[1].source", "required"},
		"source a text":        {block(`{"type":"image","source":"x"}`), "messages[0].content[1].source", "an object"},
		"source without data":  {block(`{"type":"image","source":{"type":"base64","media_type":"image/png"}}`), "messages[0].content[1].source", "what belongs"},
		"a vendor's file":      {block(`{"type":"document","source":{"type":"file","file_id":"f"}}`), "messages[0].content[1].source", "one vendor only"},
		"system a number":      {body(`,"system":1`), "system", "a string or an array"},
		"system with a call":   {body(`,"system":[{"type":"tool_use","id":"a","name":"f","input":{}}]`), "system", "type text"},
		"system's block":       {body(`,"system":[{"type":"text"}]`), "system.text", "a string"},
		"cap a text":           {`{"model":"m","max_tokens":"1","messages":[]}`, "max_tokens", "whole number"},
		"cap zero":             {`{"model":"m","max_tokens":0,"messages":[]}`, "max_tokens", "between 1 and"},
		"cap a fraction":       {`{"model":"m","max_tokens":1.0,"messages":[]}`, "max_tokens", "whole number"},
		"cap huge":             {`{"model":"m","max_tokens":99999999999999999999,"messages":[]}`, "max_tokens", "between 1 and"},
		"stream a text":        {body(`,"stream":"true"`), "stream", "true or false"},
		"temperature a text":   {body(`,"temperature":"1"`), "temperature", "a number"},
		"endless number":       {body(`,"top_p":0.` + strings.Repeat("1", 100)), "top_p", "a number"},
		"stops a text":         {body(`,"stop_sequences":"a"`), "stop_sequences", "an array"},
		"stop a number":        {body(`,"stop_sequences":[1]`), "stop_sequences", "a string"},
		"metadata a text":      {body(`,"metadata":"a"`), "metadata", "an object"},
		"user a number":        {body(`,"metadata":{"user_id":1}`), "metadata.user_id", "a string"},
		"tier":                 {body(`,"service_tier":"batch"`), "service_tier", "auto or standard_only"},
		"tools a text":         {body(`,"tools":"f"`), "tools", "an array"},
		"tool a text":          {body(`,"tools":["f"]`), "tools", "an object"},
		"tool without a name":  {body(`,"tools":[{"input_schema":{}}]`), "tools[0].name", "has a name"},
		"tool without schema":  {body(`,"tools":[{"name":"f"}]`), "tools[0].input_schema", "JSON schema"},
		"the vendor's tool":    {body(`,"tools":[{"type":"web_search_20250305","name":"web_search"}]`), "tools[0].type", "that vendor only"},
		"tool's cache":         {body(`,"tools":[{"name":"f","cache_control":{"type":"ephemeral","ttl":"2h"}}]`), "tools[0].cache_control", "5m or 1h"},
		"cache for ever":       {block(`{"type":"text","text":"a","cache_control":{"type":"persistent"}}`), "messages[0].content[1].cache_control", "ephemeral"},
		"choice a text":        {body(`,"tool_choice":"auto"`), "tool_choice", "an object"},
		"choice unknown":       {body(`,"tool_choice":{"type":"some"}`), "tool_choice.type", "auto, any, tool or none"},
		"choice of nothing":    {body(`,"tool_choice":{"type":"tool"}`), "tool_choice.name", "required"},
		"thinking unknown":     {body(`,"thinking":{"type":"hard"}`), "thinking.type", "enabled, adaptive or disabled"},
		"thinking, no budget":  {body(`,"thinking":{"type":"enabled"}`), "thinking.budget_tokens", "required"},
		"no thinking, budget":  {body(`,"thinking":{"type":"disabled","budget_tokens":5}`), "thinking.budget_tokens", "enabled"},
		"display":              {body(`,"thinking":{"type":"adaptive","display":"all"}`), "thinking.display", "summarized or omitted"},
		"effort":               {body(`,"output_config":{"effort":"extreme"}`), "output_config.effort", "low, medium"},
		"effort null-like":     {body(`,"output_config":{"effort":""}`), "output_config.effort", "low, medium"},
		"format, no schema":    {body(`,"output_config":{"format":{"type":"json_schema"}}`), "output_config.format", "a schema"},
		"unknown without end":  {body(unknowns(65)), "", "too many members"},
		"unknown, long":        {body(`,"` + strings.Repeat("x", 200) + `":1`), "", "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := anthropic.ParseRequest([]byte(row.body))
			var e *domain.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, domain.CodeInvalid, e.Code)
			require.Contains(t, e.Message, row.message)
			require.Equal(t, row.param, e.Details["param"])
		})
	}
}

func unknowns(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"x` + strings.Repeat("y", i) + `":1`)
	}
	return b.String()
}

func TestWhatIsRead(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	thought := chat.Part{Kind: chat.Thinking, Text: "t", Signature: "s", Origin: "anthropic"}
	for name, row := range map[string]struct {
		body string
		want func(r *chat.Request)
	}{
		"plain":         {body(""), func(*chat.Request) {}},
		"nulls":         {body(`,"system":null,"stream":null,"temperature":null,"stop_sequences":null,"tools":null,"tool_choice":null,"thinking":null,"output_config":null,"metadata":null,"service_tier":null,"cache_control":null,"container":null`), func(*chat.Request) {}},
		"no cap":        {`{"model":"m","messages":[{"role":"user","content":"hi"}]}`, func(r *chat.Request) { r.MaxTokens = 0 }},
		"empty content": {turn("user", `""`), func(r *chat.Request) { r.Messages[0].Parts = nil }},
		"system":        {body(`,"system":"be\nbrief"`), func(r *chat.Request) { r.Messages = []chat.Message{system(text("be\nbrief")), r.Messages[0]} }},
		"system in blocks": {body(`,"system":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"b","citations":null}]`), func(r *chat.Request) {
			r.Messages = []chat.Message{system(chat.Part{Kind: chat.Text, Text: "a", CacheTTL: "5m"}, text("b")), r.Messages[0]}
		}},
		"reasoning": {turn("assistant", `[{"type":"thinking","thinking":"t","signature":"s"},{"type":"thinking","thinking":"t","signature":"mr.gemini.a.b"},{"type":"thinking","thinking":"t","signature":""},{"type":"redacted_thinking","data":"d"}]`), func(r *chat.Request) {
			r.Messages = []chat.Message{assistant(thought, chat.Part{Kind: chat.Thinking, Text: "t", Signature: "a.b", Origin: "gemini"},
				chat.Part{Kind: chat.Thinking, Text: "t"}, chat.Part{Kind: chat.Redacted, Signature: "d", Origin: "anthropic"})}
		}},
		"results": {block(`{"type":"tool_result","tool_use_id":"a","is_error":true,"content":[{"type":"image","source":{"type":"url","url":"u"}},{"type":"text","text":"x"}]},{"type":"tool_result","tool_use_id":"b","content":"y","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"tool_result","tool_use_id":"c"}`), func(r *chat.Request) {
			a, b := result("a", chat.Part{Kind: chat.Image, Media: &chat.Media{URL: "u"}}, text("x")), result("b", text("y"))
			a.Result.Error, b.CacheTTL = true, "1h"
			r.Messages = []chat.Message{user(text("a"), a, b, result("c"))}
		}},
		"cached as a whole": {`{"model":"m","max_tokens":10,"cache_control":{"type":"ephemeral","ttl":"1h"},"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"}]}]}`, func(r *chat.Request) {
			r.Messages[0].Parts[0].CacheTTL = "1h"
			r.Messages = append(r.Messages, assistant(thought))
		}},
		"effort":           {body(`,"thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"xhigh"}`), func(r *chat.Request) { r.Reasoning = chat.Reasoning{Effort: "xhigh", Show: &yes} }},
		"effort by itself": {body(`,"output_config":{"effort":"low"}`), func(r *chat.Request) { r.Reasoning.Effort = "low" }},
		"adaptive":         {body(`,"thinking":{"type":"adaptive"}`), func(r *chat.Request) { r.Reasoning.Effort = "high" }},
		"budget, effort":   {body(`,"thinking":{"type":"enabled","budget_tokens":5},"output_config":{"effort":"low"}`), func(r *chat.Request) { r.Reasoning.Budget, r.Unsupported = 5, []string{"output_config.effort"} }},
		"no parallel": {body(`,"tools":[{"type":"custom","name":"f","input_schema":{ }}],"tool_choice":{"type":"any","disable_parallel_tool_use":true}`), func(r *chat.Request) {
			r.Tools, r.ToolChoice.Mode, r.ParallelTools = []chat.Tool{{Name: "f", Parameters: []byte(`{ }`)}}, chat.ToolsAny, &no
		}},
		"unsupported": {`{"model":"m","max_tokens":10,"inference_geo":"us","messages":[{"role":"user","content":[{"type":"text","text":"hi","citations":[{}]}],"x":1},{"role":"user","content":[{"type":"text","text":"a","citations":[ ],"new":2},{"type":"document","title":"d","context":"c","citations":{ "enabled" : false },"source":{"type":"text","media_type":"text/plain","data":"é"}}],"x":2}],"metadata":{"team":"a","user_id":"u"},"mcp_servers":[]}`, func(r *chat.Request) {
			r.Messages = append(r.Messages, user(text("a"), chat.Part{Kind: chat.File, Media: &chat.Media{MIME: "text/plain", Data: "w6k=", Name: "d"}}))
			r.User = "u"
			r.Unsupported = []string{"inference_geo", "messages.content.citations", "messages.x", "messages.content.new", "messages.content.context", "metadata.team", "mcp_servers"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := &chat.Request{Model: "m", MaxTokens: 10, Choices: 1, Messages: []chat.Message{user(text("hi"))}}
			row.want(want)
			got, err := anthropic.ParseRequest([]byte(row.body))
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}
