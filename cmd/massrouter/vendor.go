package main

import (
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/http/openapi/client"
)

func newVendorCommand(sh shell) *cobra.Command {
	return group("vendor", "Publish vendors",
		"Publishes vendors: who runs models, and where. A vendor's own API key is configuration of the service "+
			"(MASSROUTER_VENDOR_KEY_<VENDOR>), never part of the catalogue."+operatorHelp,
		newVendorPublishCommand(sh))
}

func newVendorPublishCommand(sh shell) *cobra.Command {
	var o operator
	file, disabled := "", false
	spec := client.VendorSpec{}
	c := &cobra.Command{
		Use: "publish VENDOR", Short: "Publish or replace a vendor", Args: exactly(1),
		Long: "Publishes a vendor whole: what is not given is not kept from before. The cancel policy says what to do when a " +
			"client leaves a running call: cancel it where that stops the vendor's bill, else drain it to learn the usage." + operatorHelp,
		Example: "  massrouter vendor publish example --name Example --base-url https://api.example.com/v1\n" +
			"  massrouter vendor publish example --file vendor.yaml",
		RunE: func(c *cobra.Command, args []string) error {
			if err := readSpec(c, file, &spec); err != nil {
				return err
			}
			if file == "" {
				spec.Status = status(disabled)
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.PublishVendorWithResponse(c.Context(), args[0], &client.PublishVendorParams{IdempotencyKey: &o.once}, spec)
			if err != nil {
				return o.lost(err)
			}
			return printReceipt(c, "published", args[0], r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	flags := c.Flags()
	flags.StringVar(&spec.Name, "name", "", "for people")
	flags.StringVar(&spec.BaseURL, "base-url", "", "up to and with the version, for example https://api.example.com/v1")
	flags.StringVar(&spec.Dialect, "dialect", "openai", "the API that it speaks: openai, responses, anthropic or gemini")
	flags.StringVar((*string)(&spec.CancelPolicy), "cancel-policy", string(catalog.Drain), "cancel or drain")
	flags.StringVar(&spec.MaxTokensField, "max-tokens-field", "max_tokens", "max_tokens or max_completion_tokens: which one it obeys")
	flags.BoolVar(&disabled, "disabled", false, "publish it without using it")
	fileFlag(c, &file, "name", "base-url", "dialect", "cancel-policy", "max-tokens-field", "disabled")
	return o.flags(c, true)
}

func status(disabled bool) catalog.Status {
	if disabled {
		return catalog.Disabled
	}
	return catalog.Active
}
