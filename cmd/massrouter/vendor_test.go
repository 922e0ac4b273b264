package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/internal/pgtest"
)

// A preset makes a vendor that needs its own way of being called; two keys are configured for it, of which it takes one.
func TestVendorOfAPresetIsCalledWithTheKeyThatItTakes(t *testing.T) {
	t.Parallel()
	loaded, _, err := config.Load([]string{"MASSROUTER_VENDOR_KEY_SIM=wrong-key," + vendorSecret}, config.RoleLocal)
	require.NoError(t, err)
	vendor := vendorServer(t)
	s := serve(t, pgtest.URL(t), func(c *config.Config) { c.Vendors.Keys = loaded.Vendors.Keys })
	environ := []string{"MASSROUTER_SERVER=" + s.BaseURL(), "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	position := s.publish(vendor, "acme/large", "sim-large?tokens=3", catalog.Rates{
		usage.Input: money.MustPrice("0.000001"), usage.Output: money.MustPrice("0.000004"),
	})
	require.Positive(t, position)
	do(t, environ, "vendor", "publish", "sim", "--preset", "azure", "--base-url", vendor.URL()+"/openai/v1", "--name", "Our Azure")

	var vendors client.VendorList
	await(t, func() bool {
		got := s.ask(http.MethodGet, "/console/v1/vendors", operatorToken, nil)
		vendors = decoded[client.VendorList](t, string(got.body))
		return len(vendors.Items) == 1 && vendors.Items[0].Wire != nil
	})
	require.Equal(t, "Our Azure", vendors.Items[0].Name)
	require.Equal(t, catalog.Cancel, vendors.Items[0].CancelPolicy)
	require.Equal(t, "max_completion_tokens", vendors.Items[0].MaxTokensField)
	require.Equal(t, catalog.Wire{Auth: catalog.AuthHeader, AuthName: "api-key"}, *vendors.Items[0].Wire)

	a := s.open("10")
	for n := range 12 {
		got := s.ask(http.MethodPost, "/v1/chat/completions", a.secret, map[string]any{
			"model": "acme/large", "max_tokens": 10, "messages": []any{map[string]any{"role": "user", "content": fmt.Sprintf("Number %d.", n)}},
		})
		require.Equal(t, http.StatusOK, got.status, "%s", got.body)
	}
	totals := vendor.Totals()
	require.Equal(t, int64(12), totals.Dialects["azure"].Completed)
	require.LessOrEqual(t, totals.Refused["invalid_api_key"], int64(1), "a key that was refused is not used again")
}

func TestPresetsAreRefused(t *testing.T) {
	t.Parallel()
	environ := []string{"MASSROUTER_SERVER=http://127.0.0.1:1", "MASSROUTER_OPERATOR_TOKEN=" + operatorToken}
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"--preset", "nobody"}, "there are: anthropic, azure"},
		{[]string{"--preset", "azure"}, "https://RESOURCE.openai.azure.com/openai/v1"},
		{[]string{"--preset", "openai", "--file", "x.yaml"}, "--preset stands in the file"},
	} {
		c := call(t.Context(), environ, append([]string{"vendor", "publish", "x"}, row.args...)...)
		require.Equal(t, exitUsage, c.code)
		require.Contains(t, c.err, row.want)
	}
}
