package load

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Dialect is a wire format of calls, and how its clients know that a stream came to its proper end.
type Dialect struct {
	Name string
	// Vendors: only they speak it, no callers do.
	Vendors bool
	// end stands near the end of a whole stream, and nowhere else in it.
	end string
	// path is where calls go to, below the server; model is escaped.
	path func(model string, stream bool) string
	// who is what stands before the key in the header.
	who  string
	body func(q *Question) map[string]any
}

// Question is what is asked.
type Question struct {
	Model     string
	Content   string // the user's message
	MaxTokens int64  // of the answer
	Stream    bool
}

// Dialects are those that calls can be made in, by name.
func Dialects() []Dialect {
	return []Dialect{
		{
			Name: "openai", end: "data: [DONE]", path: under("/v1/chat/completions"), who: "Authorization: Bearer ",
			body: func(q *Question) map[string]any {
				return map[string]any{"model": q.Model, "stream": q.Stream, "max_tokens": q.MaxTokens, "messages": said(q)}
			},
		},
		{
			Name: "responses", end: `"usage":{`, path: under("/v1/responses"), who: "Authorization: Bearer ",
			body: func(q *Question) map[string]any {
				return map[string]any{"model": q.Model, "stream": q.Stream, "max_output_tokens": q.MaxTokens, "store": false, "input": q.Content}
			},
		},
		{
			Name: "anthropic", end: `{"type":"message_stop"}`, path: under("/v1/messages"), who: "anthropic-version: 2023-06-01\r\nx-api-key: ",
			body: func(q *Question) map[string]any {
				return map[string]any{"model": q.Model, "stream": q.Stream, "max_tokens": q.MaxTokens, "messages": said(q)}
			},
		},
		{
			Name: "gemini", end: `"finishReason":"STOP"`, who: "x-goog-api-key: ",
			path: func(model string, stream bool) string {
				if stream {
					return "/v1beta/models/" + model + ":streamGenerateContent?alt=sse"
				}
				return "/v1beta/models/" + model + ":generateContent"
			},
			body: func(q *Question) map[string]any {
				return map[string]any{
					"contents":         []any{map[string]any{"role": "user", "parts": []any{map[string]any{"text": q.Content}}}},
					"generationConfig": map[string]any{"maxOutputTokens": q.MaxTokens},
				}
			},
		},
		{
			Name: "bedrock", Vendors: true, end: `"usage":{`, who: "Authorization: Bearer ",
			path: func(model string, stream bool) string {
				if stream {
					return "/model/" + model + "/converse-stream"
				}
				return "/model/" + model + "/converse"
			},
			body: func(q *Question) map[string]any {
				return map[string]any{
					"messages":        []any{map[string]any{"role": "user", "content": []any{map[string]any{"text": q.Content}}}},
					"inferenceConfig": map[string]any{"maxTokens": q.MaxTokens},
				}
			},
		},
	}
}

// DialectOf is the dialect of a name; false when there is none.
func DialectOf(name string) (Dialect, bool) {
	for _, d := range Dialects() {
		if d.Name == name {
			return d, true
		}
	}
	return Dialect{}, false
}

func under(path string) func(string, bool) string {
	return func(string, bool) string { return path }
}

func said(q *Question) []map[string]string {
	return []map[string]string{{"role": "user", "content": q.Content}}
}

// Target is what calls of a question go to: a server, with one or more keys that take turns.
func (d *Dialect) Target(base string, keys []string, q Question) (Target, error) {
	u, err := url.Parse(base)
	if err != nil {
		return Target{}, fmt.Errorf("read the address: %w", err)
	}
	body, err := json.Marshal(d.body(&q))
	if err != nil {
		return Target{}, fmt.Errorf("encode the request: %w", err)
	}
	segments := strings.Split(q.Model, "/")
	for i := range segments {
		segments[i] = url.PathEscape(segments[i])
	}
	to := Target{Address: u.Host, end: []byte(d.end)}
	rest := "\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n"
	for _, key := range keys {
		head := "POST " + d.path(strings.Join(segments, "/"), q.Stream) + " HTTP/1.1\r\nHost: " + u.Host + "\r\n" + d.who + key + rest
		to.requests = append(to.requests, request{[]byte(head), body})
	}
	return to, nil
}
