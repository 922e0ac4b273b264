package load

import (
	"encoding/json"
	"fmt"
	"net/url"
)

// Request composes a chat completion's request to a server as it goes over the wire.
func Request(base, path, key, model, content string, stream bool) (address string, request []byte, err error) {
	u, err := url.Parse(base)
	if err != nil {
		return "", nil, fmt.Errorf("read the address: %w", err)
	}
	body, err := json.Marshal(map[string]any{
		"model": model, "stream": stream, "max_tokens": 64,
		"messages": []map[string]string{{"role": "user", "content": content}},
	})
	if err != nil {
		return "", nil, fmt.Errorf("encode the request: %w", err)
	}
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		path, u.Host, key, len(body))
	return u.Host, append([]byte(head), body...), nil
}
