package main

import (
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/preset"
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
	file, known, disabled := "", "", false
	var profile catalog.Profile
	spec := client.VendorSpec{}
	c := &cobra.Command{
		Use: "publish VENDOR", Short: "Publish or replace a vendor", Args: exactly(1),
		Long: "Publishes a vendor whole: what is not given is not kept from before. The cancel policy says what to do when a " +
			"client leaves a running call: cancel it where that stops the vendor's bill, else drain it to learn the usage." + operatorHelp,
		Example: "  massrouter vendor publish example --name Example --base-url https://api.example.com/v1\n" +
			"  massrouter vendor publish mistral --preset mistral\n" +
			"  massrouter vendor publish eu --preset azure --base-url https://eu.openai.azure.com/openai/v1\n" +
			"  massrouter vendor publish example --file vendor.yaml",
		RunE: func(c *cobra.Command, args []string) error {
			if err := readSpec(c, file, &spec); err != nil {
				return err
			}
			if file == "" {
				spec.Status, spec.Profile = status(disabled), unlessZero(profile)
				if err := applyPreset(c, known, &spec); err != nil {
					return err
				}
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
	flags.StringVar(&known, "preset", "", "a vendor that is known, of which the other flags change what they say: "+preset.IDs())
	flags.StringVar(&spec.Name, "name", "", "for people")
	flags.StringVar(&spec.BaseURL, "base-url", "", "up to and with the version, for example https://api.example.com/v1")
	flags.StringVar(&spec.Dialect, "dialect", "openai", "the API that it speaks: openai, responses, anthropic, gemini or bedrock")
	flags.StringVar((*string)(&spec.CancelPolicy), "cancel-policy", string(catalog.Drain), "cancel or drain")
	flags.StringVar(&spec.MaxTokensField, "max-tokens-field", "max_tokens", "max_tokens or max_completion_tokens: which one it obeys")
	flags.BoolVar(&disabled, "disabled", false, "publish it without using it")
	flags.StringVar(&profile.Headquarters, "headquarters", "", "its country, in two letters")
	flags.StringSliceVar(&profile.Datacenters, "datacenter", nil, "a country where it runs models, in two letters; repeat it for more")
	flags.StringVar(&profile.PrivacyPolicyURL, "privacy-policy", "", "where its privacy policy is")
	flags.StringVar(&profile.TermsOfServiceURL, "terms", "", "where its terms of service are")
	flags.StringVar(&profile.StatusPageURL, "status-page", "", "where its status is shown")
	fileFlag(c, &file, "preset", "name", "base-url", "dialect", "cancel-policy", "max-tokens-field", "disabled",
		"headquarters", "datacenter", "privacy-policy", "terms", "status-page")
	return o.flags(c, true)
}

// applyPreset takes what is known of a vendor where no flag says otherwise.
func applyPreset(c *cobra.Command, id string, spec *client.VendorSpec) error {
	if id == "" {
		return nil
	}
	p, ok := preset.Find(id)
	if !ok {
		return usagef("there is no preset %q; there are: %s", id, preset.IDs())
	}
	if p.Pattern() && !c.Flags().Changed("base-url") {
		return usagef("--base-url is needed, of the form %s", p.BaseURL)
	}
	for _, field := range []struct {
		flag  string
		to    *string
		value string
	}{
		{"name", &spec.Name, p.Name},
		{"base-url", &spec.BaseURL, p.BaseURL},
		{"dialect", &spec.Dialect, p.Dialect},
		{"cancel-policy", (*string)(&spec.CancelPolicy), string(p.CancelPolicy)},
		{"max-tokens-field", &spec.MaxTokensField, p.MaxTokensField},
	} {
		if !c.Flags().Changed(field.flag) {
			*field.to = field.value
		}
	}
	spec.Wire = p.Wire
	return nil
}

func status(disabled bool) catalog.Status {
	if disabled {
		return catalog.Disabled
	}
	return catalog.Active
}
