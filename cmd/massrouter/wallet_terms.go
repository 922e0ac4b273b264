package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/http/openapi/client"
)

func newWalletGroupCommand(sh shell) *cobra.Command {
	var o operator
	none := false
	c := &cobra.Command{
		Use: "price-group WALLET [GROUP]", Short: "Say whose prices a wallet pays", Args: cobra.RangeArgs(1, 2),
		Long: "Puts a wallet into a price group, or takes it out of its group with --none. Calls that are admitted from then on pay the " +
			"group's prices, and the list's where the group has none. Prices of groups are made with 'massrouter catalog derive' and " +
			"'massrouter price publish --group'." + operatorHelp,
		Example: "  massrouter wallet price-group 018f0000-0000-7000-8000-000000000000 partners\n" +
			"  massrouter wallet price-group 018f0000-0000-7000-8000-000000000000 --none",
		RunE: func(c *cobra.Command, args []string) error {
			wallet, err := parseID("wallet", args[0])
			if err != nil {
				return err
			}
			if none == (len(args) == 2) { //nolint:mnd // the wallet and the group
				return usagef("give the group, or --none")
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			if none {
				r, err := api.ClearPriceGroupWithResponse(c.Context(), wallet, &client.ClearPriceGroupParams{IdempotencyKey: &o.once})
				if err != nil {
					return o.lost(err)
				}
				return printReceipt(c, "set", args[0], r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			}
			if err := catalog.CheckPriceGroup(args[1]); err != nil {
				return usageError{err}
			}
			r, err := api.SetPriceGroupWithResponse(c.Context(), wallet, &client.SetPriceGroupParams{IdempotencyKey: &o.once},
				client.SetPriceGroup{PriceGroup: args[1]})
			if err != nil {
				return o.lost(err)
			}
			return printReceipt(c, "set", args[0], r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	c.Flags().BoolVar(&none, "none", false, "take it out: it pays the list's prices")
	return o.flags(c, true)
}

func newWalletTermsCommand(sh shell) *cobra.Command {
	var o operator
	c := &cobra.Command{
		Use: "terms WALLET", Short: "Show what the calls of a wallet are held to", Args: exactly(1),
		Long:    "Shows whose prices a wallet pays, and the rate limits that all of its calls share." + operatorHelp,
		Example: "  massrouter wallet terms 018f0000-0000-7000-8000-000000000000",
		RunE: func(c *cobra.Command, args []string) error {
			wallet, err := parseID("wallet", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.GetWalletTermsWithResponse(c.Context(), wallet, nil)
			if err != nil {
				return err
			}
			t, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(t, func(w io.Writer) {
				group := "none: the list's prices"
				if t.PriceGroup != nil {
					group = *t.PriceGroup
				}
				output.Fields(w, "wallet", t.WalletID.String(), "price group", group, "position", t.Position.String())
				writeRates(w, t.RateLimits)
			})
		},
	}
	return o.flags(c, false)
}
