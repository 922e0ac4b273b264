package http_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
)

// answer is one answer with its body read.
type answer struct {
	t      *testing.T
	status int
	header nethttp.Header
	body   []byte
}

type header struct{ name, value string }

func idempotent(key string) header { return header{"Idempotency-Key", key} }

func bearer(token string) header { return header{"Authorization", "Bearer " + token} }

// send sends a request as the operator unless a header says otherwise. A body that is no string is sent as JSON.
func (b *bundle) send(method, path string, body any, headers ...header) answer {
	b.t.Helper()
	a, err := b.try(method, path, body, headers...)
	require.NoError(b.t, err)
	return a
}

// try is send for goroutines other than the test's own.
func (b *bundle) try(method, path string, body any, headers ...header) (answer, error) {
	content, err := bodyOf(body)
	if err != nil {
		return answer{}, err
	}
	r, err := nethttp.NewRequestWithContext(b.t.Context(), method, b.url+path, content)
	if err != nil {
		return answer{}, err
	}
	if content != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if strings.HasPrefix(path, "/console/") {
		r.Header.Set("Authorization", "Bearer "+operatorToken)
	}
	for _, h := range headers {
		r.Header.Set(h.name, h.value)
		if h.value == "" {
			r.Header.Del(h.name)
		}
	}
	res, err := b.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	raw, err := io.ReadAll(res.Body)
	return answer{t: b.t, status: res.StatusCode, header: res.Header, body: raw}, errors.Join(err, res.Body.Close())
}

func bodyOf(body any) (io.Reader, error) {
	switch body := body.(type) {
	case nil:
		return nil, nil
	case string:
		return strings.NewReader(body), nil
	default:
		raw, err := json.Marshal(body)
		return bytes.NewReader(raw), err
	}
}

func (b *bundle) get(path string, headers ...header) answer {
	b.t.Helper()
	return b.send(nethttp.MethodGet, path, nil, headers...)
}

func (b *bundle) post(path string, body any, headers ...header) answer {
	b.t.Helper()
	return b.send(nethttp.MethodPost, path, body, headers...)
}

// is requires a status.
func (a answer) is(status int) answer {
	a.t.Helper()
	require.Equal(a.t, status, a.status, "%s", a.body)
	return a
}

// refused requires a status and a code.
func (a answer) refused(status int, code domain.Code) answer {
	a.t.Helper()
	a.is(status)
	require.Equal(a.t, string(code), a.text("code"), "%s", a.body)
	return a
}

// at is the member at a path of names and indexes, as JSON; a missing one fails the test.
func (a answer) at(path ...any) json.RawMessage {
	a.t.Helper()
	raw := json.RawMessage(a.body)
	for _, step := range path {
		switch step := step.(type) {
		case string:
			var members map[string]json.RawMessage
			require.NoError(a.t, json.Unmarshal(raw, &members), "%s", a.body)
			require.Contains(a.t, members, step, "%s", a.body)
			raw = members[step]
		case int:
			var items []json.RawMessage
			require.NoError(a.t, json.Unmarshal(raw, &items), "%s", a.body)
			require.Greater(a.t, len(items), step, "%s", a.body)
			raw = items[step]
		}
	}
	return raw
}

// text is the string at a path.
func (a answer) text(path ...any) string {
	a.t.Helper()
	var s string
	require.NoError(a.t, json.Unmarshal(a.at(path...), &s), "%s", a.body)
	return s
}

// count is the number of items of the list at a path.
func (a answer) count(path ...any) int {
	a.t.Helper()
	var items []json.RawMessage
	require.NoError(a.t, json.Unmarshal(a.at(path...), &items), "%s", a.body)
	return len(items)
}

// after makes a query see what an answer recorded.
func (a answer) after() string {
	a.t.Helper()
	return "?min_position=" + a.text("position")
}
