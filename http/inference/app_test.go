package inference_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/http/inference"
)

// TestTheAppOfACall: the charge says which app the key is bound to, and, apart from that, what the caller says of itself.
func TestTheAppOfACall(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{})
	id, meta := uuid.New(), func() commands.Meta { return commands.Meta{CommandID: uuid.New(), Actor: "operator:test"} }
	_, _, err := k.App.RegisterApp(t.Context(), meta(), commands.RegisterApp{
		AppID: id, WalletID: k.Wallet, Details: app.Details{Name: "Notes", URL: "https://notes.example"},
	})
	require.NoError(t, err)
	_, _, err = k.App.BindApp(t.Context(), meta(), commands.BindApp{KeyID: k.Key, AppID: id})
	require.NoError(t, err)
	r := k.post(t, gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=3")),
		"HTTP-Referer", "https://Other.Example/private?user=7", "X-OpenRouter-Title", "Other\xff app")
	require.Equal(t, http.StatusOK, r.status)
	call := k.Only().Call
	require.Equal(t, id, call.AppID)
	require.Equal(t, "https://other.example", call.AppURL)
	require.Equal(t, "Other app", call.AppTitle)
}

func TestXTitleComesFirst(t *testing.T) {
	t.Parallel()
	k := newChat(t, inference.CallOptions{})
	r := k.post(t, gatewaytest.Body(k.Model(gatewaytest.Canceller, "tokens=3")), "X-Title", "One", "X-OpenRouter-Title", "Two", "HTTP-Referer", "http://localhost:3000/")
	require.Equal(t, http.StatusOK, r.status)
	call := k.Only().Call
	require.Equal(t, uuid.Nil, call.AppID)
	require.Empty(t, call.AppURL)
	require.Equal(t, "One", call.AppTitle)
}
