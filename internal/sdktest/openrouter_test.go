package sdktest

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOpenRoutersClient: its npm client lists, calls and manages keys, and finds every answer as published. It compares lists of
// models, so it runs while no other test publishes any.
func TestOpenRoutersClient(t *testing.T) {
	var issued struct {
		Secret string `json:"secret"`
	}
	require.NoError(t, console(http.MethodPost, "/console/v1/wallets/"+shared.WalletID+"/keys",
		map[string]any{"name": "manager", "scope": "management"}, &issued))
	install(t)
	inNode(t, "openrouter.test.mjs", "BASE_URL="+shared.BaseURL, "API_KEY="+shared.APIKey, "MANAGEMENT_KEY="+issued.Secret)
}
