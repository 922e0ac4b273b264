package http_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
)

func priceOf(group, input string) map[string]any {
	return with(map[string]any{
		"currency": "USD",
		"price":    map[string]any{"base": map[string]string{"input": input, "output": "0.000004"}},
		"cost":     map[string]any{"base": map[string]string{"input": "0.000001", "output": "0.000002"}},
	}, "price_group", group)
}

func TestAKeyShowsThePricesOfItsGroup(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish()
	w, other := b.wallet("10"), b.wallet("10")
	_, secret := b.key(w, map[string]any{"name": "partner"})
	_, plain := b.key(other, map[string]any{"name": "other"})
	b.post(endpointPath+"/prices", priceOf("Partners", "0.0000015")).refused(400, domain.CodeInvalid)
	b.post(endpointPath+"/prices", priceOf("partners", "0.0000015")).is(201)
	b.send("PUT", w+"/price-group", map[string]any{"price_group": "no group"}).refused(400, domain.CodeInvalid)
	done := b.send("PUT", w+"/price-group", map[string]any{"price_group": "partners"}).is(200)
	b.send("PUT", w+"/price-group", map[string]any{"price_group": "partners"}).refused(409, domain.CodeConflict)
	b.get(modelPath + done.after()).is(200)

	require.Equal(t, "partners", b.get(w+"/terms"+done.after()).is(200).text("price_group"))
	require.JSONEq(t, "null", string(b.get(other+"/terms").is(200).at("price_group")))
	b.get("/console/v1/wallets/00000000-0000-0000-0000-000000000009/terms").refused(404, domain.CodeWalletNotFound)

	for _, row := range []struct {
		who  header
		want string
	}{{header{"Authorization", ""}, "0.000002"}, {bearer(plain), "0.000002"}, {bearer(secret), "0.0000015"}} {
		list := b.get("/api/v1/models", row.who).is(200)
		require.Equal(t, row.want, list.text("data", 0, "pricing", "prompt"))
		require.Equal(t, "no-store", list.header.Get("Cache-Control"), "nobody gets the prices of another")
		require.Equal(t, row.want, b.get("/api/v1/models/acme/large/endpoints", row.who).is(200).text("data", "endpoints", 0, "pricing", "prompt"))
		if row.who.value != "" {
			require.Equal(t, row.want, b.get("/api/v1/models/user", row.who).is(200).text("data", 0, "pricing", "prompt"))
		}
	}
	shown := b.get(modelPath + "?price_group=partners").is(200)
	require.Equal(t, "0.0000015", shown.text("model", "endpoints", 0, "price_in_force", "price", "base", "input"))
	require.Equal(t, "partners", shown.text("model", "endpoints", 0, "price_in_force", "price_group"))
	require.Equal(t, 2, shown.count("model", "endpoints", 0, "prices"))
	before := b.get(modelPath + "?price_group=partners&as_of=4").is(200)
	require.Equal(t, "0.000002", before.text("model", "endpoints", 0, "price_in_force", "price", "base", "input"), "then the group had none")
	require.Equal(t, "0.000002", b.get("/console/v1/models?price_group=others").is(200).text("items", 0, "endpoints", 0, "price_in_force", "price", "base", "input"))

	b.send("DELETE", w+"/price-group", nil).is(200)
	b.send("DELETE", w+"/price-group", nil).refused(409, domain.CodeConflict)
}
