package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/gateway/ownkey"
	"github.com/massrouter/massrouter/http/openapi/client"
)

func newVendorKeyCommand(sh shell) *cobra.Command {
	return group("vendor-key", "Store, show, change and remove customers' own keys at vendors",
		"A customer may have keys of its own at vendors. Calls of its wallet are made with them: the vendor bills the customer, and the platform charges "+
			"MASSROUTER_OWN_KEY_FEE_PERCENT of the price. They are encrypted, and never shown again."+operatorHelp,
		newVendorKeyAddCommand(sh), newVendorKeyListCommand(sh), newVendorKeyShowCommand(sh), newVendorKeyUpdateCommand(sh), newVendorKeyRemoveCommand(sh))
}

// vendorKeySettings is what can be said of a key.
type vendorKeySettings struct {
	label, order, secretFile string
	models, keys             []string
	disabled                 bool
}

func (s *vendorKeySettings) flags(c *cobra.Command, secret string) {
	flags := c.Flags()
	flags.StringVar(&s.secretFile, "secret-file", "", secret)
	flags.StringVar(&s.label, "label", "", "what people call it (needed)")
	flags.StringVar(&s.order, "order", ownkey.First, "first: the platform's keys are asked when it fails; only: they never are, for the models that it is for")
	flags.StringSliceVar(&s.models, "model", nil, "a model that it is for; repeat it for more (default: all)")
	flags.StringSliceVar(&s.keys, "key", nil, "the id of an API key whose calls it is for; repeat it for more (default: all)")
	flags.BoolVar(&s.disabled, "disabled", false, "use it for nothing until it is enabled")
}

// parse checks what was said.
func (s *vendorKeySettings) parse() (order client.VendorKeyOrder, keys []uuid.UUID, err error) {
	if s.label == "" {
		return "", nil, usagef("a key needs --label")
	}
	if s.order != ownkey.First && s.order != ownkey.Only {
		return "", nil, usagef("--order is %s or %s", ownkey.First, ownkey.Only)
	}
	for _, text := range s.keys {
		id, err := parseID("key", text)
		if err != nil {
			return "", nil, err
		}
		keys = append(keys, id)
	}
	return client.VendorKeyOrder(s.order), keys, nil
}

// secret reads the key itself. It does not stand on the command line, which other users of the machine can see.
func (s *vendorKeySettings) secret(c *cobra.Command) (string, error) {
	in := c.InOrStdin()
	if s.secretFile != "-" {
		file, err := os.Open(s.secretFile)
		if err != nil {
			return "", usageError{err}
		}
		defer func() { _ = file.Close() }() // it was only read
		in = file
	}
	raw, err := io.ReadAll(io.LimitReader(in, ownkey.MaxSecret+2))
	if err != nil {
		return "", fmt.Errorf("read the key: %w", err)
	}
	return string(bytes.TrimSpace(raw)), nil
}

// listed is a pointer to a list that has anything in it.
func listed[T any](all []T) *[]T {
	if len(all) == 0 {
		return nil
	}
	return &all
}

func newVendorKeyAddCommand(sh shell) *cobra.Command {
	var o operator
	var s vendorKeySettings
	vendor := ""
	c := &cobra.Command{
		Use: "add WALLET", Short: "Store a key of a customer's at a vendor", Args: exactly(1),
		Long: "Stores a key of the wallet's owner at a vendor. It is read from a file or from standard input. Calls use it within a second; several keys at a " +
			"vendor are tried in the order in which they were stored." + operatorHelp,
		Example: "  massrouter vendor-key add 018f0000-0000-7000-8000-000000000000 --vendor openai --label production --secret-file key.txt\n" +
			"  massrouter vendor-key add 018f0000-0000-7000-8000-000000000000 --vendor openai --label production --secret-file - --order only --model openai/gpt-5 < key.txt",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("wallet", args[0])
			if err != nil {
				return err
			}
			order, keys, err := s.parse()
			if err != nil {
				return err
			}
			if vendor == "" || s.secretFile == "" {
				return usagef("a key needs --vendor and --secret-file")
			}
			secret, err := s.secret(c)
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.CreateVendorKeyWithResponse(c.Context(), id, &client.CreateVendorKeyParams{IdempotencyKey: &o.once}, client.NewVendorKey{
				Vendor: vendor, Secret: secret, Label: s.label, Order: &order, Disabled: pointer(s.disabled), Models: listed(s.models), KeyIds: listed(keys),
			})
			if err != nil {
				return o.lost(err)
			}
			return printVendorKeyReceipt(c, "stored", r.JSON201, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	c.Flags().StringVar(&vendor, "vendor", "", "the vendor's id (needed)")
	s.flags(c, "where the key stands (-: standard input; needed)")
	return o.flags(c, true)
}

func newVendorKeyUpdateCommand(sh shell) *cobra.Command {
	var o operator
	var s vendorKeySettings
	c := &cobra.Command{
		Use: "update WALLET KEY", Short: "Replace a key's settings, or the key itself", Args: exactly(2),
		Long: "Replaces all settings together: what is not given is taken away. The key itself is replaced only with --secret-file; one that the vendor had " +
			"refused is then tried again at once." + operatorHelp,
		Example: "  massrouter vendor-key update 018f0000-0000-7000-8000-000000000000 018f0000-0000-7000-8000-000000000001 --label production --secret-file new.txt",
		RunE: func(c *cobra.Command, args []string) error {
			wallet, id, err := vendorKeyArgs(args)
			if err != nil {
				return err
			}
			order, keys, err := s.parse()
			if err != nil {
				return err
			}
			body := client.VendorKeySettings{Label: s.label, Order: &order, Disabled: pointer(s.disabled), Models: listed(s.models), KeyIds: listed(keys)}
			if s.secretFile != "" {
				secret, err := s.secret(c)
				if err != nil {
					return err
				}
				body.Secret = &secret
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.UpdateVendorKeyWithResponse(c.Context(), wallet, id, &client.UpdateVendorKeyParams{IdempotencyKey: &o.once}, body)
			if err != nil {
				return o.lost(err)
			}
			return printVendorKeyReceipt(c, "updated", r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	s.flags(c, "where another key in its place stands (-: standard input)")
	return o.flags(c, true)
}

func vendorKeyArgs(args []string) (wallet, id uuid.UUID, err error) {
	if wallet, err = parseID("wallet", args[0]); err != nil {
		return wallet, id, err
	}
	id, err = parseID("key", args[1])
	return wallet, id, err
}

func newVendorKeyRemoveCommand(sh shell) *cobra.Command {
	var o operator
	c := &cobra.Command{
		Use: "remove WALLET KEY", Short: "Erase a key", Args: exactly(2),
		Long:    "Erases a key. Within a second no call uses it; records of calls keep its id. It cannot be taken back." + operatorHelp,
		Example: "  massrouter vendor-key remove 018f0000-0000-7000-8000-000000000000 018f0000-0000-7000-8000-000000000001",
		RunE: func(c *cobra.Command, args []string) error {
			wallet, id, err := vendorKeyArgs(args)
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.DeleteVendorKeyWithResponse(c.Context(), wallet, id, &client.DeleteVendorKeyParams{IdempotencyKey: &o.once})
			if err != nil {
				return o.lost(err)
			}
			return printVendorKeyReceipt(c, "erased", r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	return o.flags(c, true)
}

func printVendorKeyReceipt(c *cobra.Command, done string, receipt *client.VendorKeyReceipt, problem *client.Problem, status string) error {
	receipt, err := answer(receipt, problem, status)
	if err != nil {
		return err
	}
	return printer(c).Value(receipt, func(w io.Writer) { output.Fields(w, done, receipt.VendorKeyID.String()) })
}

func newVendorKeyListCommand(sh shell) *cobra.Command {
	var o operator
	c := &cobra.Command{
		Use: "list WALLET", Short: "List the keys of a wallet at vendors", Args: exactly(1),
		Long:    "Lists the keys of a wallet at vendors, the oldest first, without what opens anything." + operatorHelp,
		Example: "  massrouter vendor-key list 018f0000-0000-7000-8000-000000000000",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("wallet", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.ListVendorKeysWithResponse(c.Context(), id)
			if err != nil {
				return err
			}
			found, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(found, func(w io.Writer) {
				rows := make([][]string, len(found.Items))
				for i, k := range found.Items {
					rows[i] = []string{k.ID.String(), k.Vendor, k.Label, "…" + k.LastFour, string(k.Order), strconv.FormatBool(k.Disabled), output.Time(k.UpdatedAt)}
				}
				output.Table(w, []string{"key", "vendor", "label", "ends", "order", "disabled", "updated"}, rows)
			})
		},
	}
	return o.flags(c, false)
}

func newVendorKeyShowCommand(sh shell) *cobra.Command {
	var o operator
	c := &cobra.Command{
		Use: "show WALLET KEY", Short: "Show a key's settings", Args: exactly(2),
		Long:    "Shows a key of a wallet at a vendor, without what opens anything." + operatorHelp,
		Example: "  massrouter vendor-key show 018f0000-0000-7000-8000-000000000000 018f0000-0000-7000-8000-000000000001",
		RunE: func(c *cobra.Command, args []string) error {
			wallet, id, err := vendorKeyArgs(args)
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.GetVendorKeyWithResponse(c.Context(), wallet, id)
			if err != nil {
				return err
			}
			found, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(found, func(w io.Writer) {
				k := found.VendorKey
				keys := make([]string, len(k.KeyIds))
				for i, id := range k.KeyIds {
					keys[i] = id.String()
				}
				output.Fields(w, "key", k.ID.String(), "vendor", k.Vendor, "label", k.Label, "ends", "…"+k.LastFour, "order", string(k.Order),
					"disabled", strconv.FormatBool(k.Disabled), "models", strings.Join(k.Models, ", "), "api keys", strings.Join(keys, ", "),
					"created", output.Time(k.CreatedAt)+" by "+k.CreatedBy, "updated", output.Time(k.UpdatedAt)+" by "+k.UpdatedBy)
			})
		},
	}
	return o.flags(c, false)
}
