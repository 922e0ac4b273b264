package devmail_test

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/devmail"
	"github.com/massrouter/massrouter/reactors/mail"
	"github.com/massrouter/massrouter/reactors/sms"
)

func TestMailIsShownToThisMachineOnly(t *testing.T) {
	t.Parallel()
	var box mail.Outbox
	for _, m := range []mail.Message{
		{ID: "1", To: "ann@example.com", Subject: "First", Text: "<b>\nhttp://localhost:3001/verify-email#secret\n\nend\n"},
		{ID: "1", To: "ann@example.com", Subject: "First again", Text: "see\nhttp://localhost:3001/verify-email#secret\n\n<i>end\n"},
		{ID: "2", To: "bob@example.com", Subject: "Second", Text: "nothing"},
	} {
		require.NoError(t, box.Send(t.Context(), m))
	}
	_, err := devmail.Phones{Box: &box, Name: "MassRouter"}.Send(t.Context(), sms.Message{ID: "3", To: "+4915123456789", Code: "012345", Language: "zh-CN"})
	require.NoError(t, err)
	h, err := devmail.New(&box)
	require.NoError(t, err)
	ask := func(peer, host, accept string, more ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), "GET", devmail.Path, nil)
		r.RemoteAddr, r.Host = peer, host
		r.Header.Set("Accept", accept)
		if len(more) > 0 {
			r.Header.Set("X-Forwarded-For", more[0])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for _, host := range []string{"localhost:8080", "127.0.0.1:8080", "[::1]:8080", "127.0.0.1"} {
		w := ask("127.0.0.1:999", host, "text/html")
		require.Equal(t, 200, w.Code, host)
		require.Contains(t, w.Body.String(), `<a href="http://localhost:3001/verify-email#secret">`)
		require.Contains(t, w.Body.String(), "&lt;i&gt;end")
		require.NotContains(t, w.Body.String(), "<h2>First</h2>")
	}
	require.JSONEq(t, `["bob@example.com"]`, `["`+string(box.List()[1].To)+`"]`)
	require.Contains(t, ask("127.0.0.1:999", "localhost", "").Body.String(), "验证码 012345")
	require.Contains(t, ask("[::1]:999", "localhost", "application/json").Body.String(), `"subject":"Second"`)
	require.Equal(t, 404, ask("203.0.113.9:999", "localhost:8080", "").Code)
	require.Equal(t, 404, ask("127.0.0.1:999", "evil.example:8080", "").Code, "a name that leads here is not this machine's")
	require.Equal(t, 404, ask("127.0.0.1:999", "localhost:8080", "", "203.0.113.9").Code)
}
