package gateway_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/gatewaytest"
	"github.com/massrouter/massrouter/gateway/routing"
)

// flat is a version with one price for all classes, of a group.
func flat(k *gatewaytest.Kit, rate, group string) catalog.PriceVersion {
	v := k.Price()
	v.Group = group
	for class := range v.Price.Base {
		v.Price.Base[class] = money.MustPrice(rate)
	}
	return v
}

// TestACallerIsRoutedByItsOwnPrices: the endpoint that is cheaper in the list is the dearer one for the group.
func TestACallerIsRoutedByItsOwnPrices(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := k.Model(gatewaytest.Canceller, "tokens=3")
	k.Offer(model, gatewaytest.Drainer, "tokens=3", flat(k, "0.000001", ""))
	first, second := model+"@"+gatewaytest.Canceller, model+"@"+gatewaytest.Drainer
	k.PublishPrice(first, flat(k, "0.000002", ""))
	k.PublishPrice(first, flat(k, "0.0000005", "partners"))
	_, _, err := k.App.SetPriceGroup(t.Context(), gatewaytest.Meta(), commands.SetPriceGroup{WalletID: k.Call("").WalletID, Group: "partners"})
	require.NoError(t, err)

	do := func(group, wishes string) error {
		call := k.Call(gatewaytest.Body(model, `"max_tokens":5`, wishes))
		call.PriceGroup = group
		return k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient())
	}
	require.NoError(t, do("partners", `"provider":{"sort":"price"}`))
	charged := k.Settled().Charged
	require.Equal(t, first, charged[0].Endpoint)
	require.Equal(t, "partners", charged[0].PriceGroup)
	for _, item := range charged[0].LineItems {
		require.Equal(t, "0.0000005", item.Price.String())
	}
	// What the gateway believes decides who serves; what is charged, the ledger knows: the second is at the list's price for both.
	require.NoError(t, do("", `"provider":{"sort":"price"}`))
	charged = k.Settled().Charged
	require.Equal(t, second, charged[1].Endpoint)
	require.Empty(t, charged[1].PriceGroup)

	most := `"provider":{"max_price":{"prompt":0.6,"completion":0.6}}`
	require.NoError(t, do("partners", most))
	require.Equal(t, routing.CodeNoEndpoint, domain.CodeOf(do("", most)), "the list's prices are above it")
}

func TestAnEndpointForAGroupOnly(t *testing.T) {
	t.Parallel()
	k := gatewaytest.New(t, hasty)
	model := k.Model(gatewaytest.Canceller, "tokens=3")
	id := model + "@" + gatewaytest.Canceller
	k.PublishPrice(id, flat(k, "0.000001", "partners"))
	k.Catalog.Change(func(p *gateway.Picture) { p.Prices[id] = nil })
	body := gatewaytest.Body(model, `"max_tokens":5`)
	_, err := k.Do(body)
	require.Equal(t, domain.CodePriceNotInForce, domain.CodeOf(err))
	_, err = k.Gateway.Count(t.Context(), gatewaytest.Chat([]byte(body)), "")
	require.Equal(t, domain.CodePriceNotInForce, domain.CodeOf(err))
	_, err = k.Gateway.Count(t.Context(), gatewaytest.Chat([]byte(body)), "partners")
	require.NoError(t, err)
	call := k.Call(body)
	call.PriceGroup = "partners"
	require.NotEqual(t, uuid.Nil, call.WalletID)
	_, _, err = k.App.SetPriceGroup(t.Context(), gatewaytest.Meta(), commands.SetPriceGroup{WalletID: call.WalletID, Group: "partners"})
	require.NoError(t, err)
	require.NoError(t, k.Gateway.Complete(t.Context(), call, gatewaytest.NewClient()))
	require.Equal(t, "partners", k.Only().PriceGroup)
}
