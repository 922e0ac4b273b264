package http_test

import (
	"context"
	nethttp "net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/http/openapi/client"
)

func TestGeneratedClientSpeaksWithTheServer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	api, err := client.NewClientWithResponses(b.url, client.WithHTTPClient(b.http),
		client.WithRequestEditorFn(func(_ context.Context, r *nethttp.Request) error {
			r.Header.Set("Authorization", "Bearer "+operatorToken)
			return nil
		}))
	require.NoError(t, err)
	opened, err := api.OpenWalletWithResponse(t.Context(), nil, client.OpenWallet{Owner: "o", Currency: money.USD})
	require.NoError(t, err)
	require.NotNil(t, opened.JSON200)
	id := opened.JSON200.WalletID
	paid, err := api.TopUpWalletWithResponse(t.Context(), id, &client.TopUpWalletParams{IdempotencyKey: "k"},
		client.TopUp{Amount: money.MustParse("0.000000000001"), Currency: money.USD, Reason: "r"})
	require.NoError(t, err)
	require.NotNil(t, paid.JSON200)

	seen, err := api.GetWalletWithResponse(t.Context(), id, &client.GetWalletParams{MinPosition: &paid.JSON200.Position})
	require.NoError(t, err)
	require.NotNil(t, seen.JSON200)
	require.Equal(t, "0.000000000001", seen.JSON200.Wallet.Available.String())

	refused, err := api.AdjustWalletWithResponse(t.Context(), id, &client.AdjustWalletParams{IdempotencyKey: "a"},
		client.Adjustment{Amount: money.MustParse("-1"), Currency: money.USD, Reason: "r"})
	require.NoError(t, err)
	require.Equal(t, 402, refused.StatusCode())
	require.Equal(t, string(domain.CodeInsufficientCredits), refused.ApplicationProblemJSONDefault.Code)
}
