package main

import (
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/http/openapi/client"
)

func newKeyShowCommand(sh shell) *cobra.Command {
	var o operator
	c := &cobra.Command{
		Use: "show KEY", Short: "Show a key and its limits", Args: exactly(1),
		Long:    "Shows a key: whose it is, its state, its limits and what it has spent. Its secret is known to nobody." + operatorHelp,
		Example: "  massrouter key show 018f0000-0000-7000-8000-000000000000",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("key", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			k, err := keyOf(c.Context(), api, id)
			if err != nil {
				return err
			}
			return printer(c).Value(k, func(w io.Writer) { writeKey(w, k) })
		},
	}
	return o.flags(c, false)
}

func newKeyListCommand(sh shell) *cobra.Command {
	var o operator
	cursor := ""
	c := &cobra.Command{
		Use: "list WALLET", Short: "List the keys of a wallet", Args: exactly(1),
		Long:    "Lists a page of the keys of a wallet, the newest first." + operatorHelp,
		Example: "  massrouter key list 018f0000-0000-7000-8000-000000000000",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("wallet", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.ListKeysWithResponse(c.Context(), id, &client.ListKeysParams{Cursor: pointer(cursor)})
			if err != nil {
				return err
			}
			page, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(page, func(w io.Writer) {
				rows := make([][]string, len(page.Items))
				for i := range page.Items {
					k := &page.Items[i]
					rows[i] = []string{k.ID.String(), k.Label, k.Name, k.State, output.Time(k.IssuedAt), orNone(k.LastUsedAt)}
				}
				output.Table(w, []string{"key", "label", "name", "state", "issued", "last used"}, rows)
				if page.NextCursor != nil {
					output.Fields(w, "more with --cursor", *page.NextCursor)
				}
			})
		},
	}
	c.Flags().StringVar(&cursor, "cursor", "", "the page after this cursor")
	return o.flags(c, false)
}

func writeKey(w io.Writer, k *client.Key) {
	networks := make([]string, len(k.Networks))
	for i, n := range k.Networks {
		networks[i] = n.String()
	}
	output.Fields(w, "key", k.ID.String(), "label", k.Label, "wallet", k.WalletID.String(), "name", k.Name, "state", k.State, "reason", optionalText(k.Reason),
		"models", joined(k.Models, "all"), "networks", joined(networks, "anywhere"), "expires", orNone(k.ExpiresAt), "old secret until", orNone(k.OldSecretUntil),
		"cap a day", capText(k.Caps.Day), "cap a week", capText(k.Caps.Week), "cap a month", capText(k.Caps.Month), "cap in all", capText(k.Caps.Total),
		"issued", output.Time(k.IssuedAt), "last used", orNone(k.LastUsedAt))
	writeRates(w, k.RateLimits)
}

// optionalText is "" for what is absent.
func optionalText(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func joined(list []string, empty string) string {
	if len(list) == 0 {
		return empty
	}
	return strings.Join(list, ", ")
}

func orNone(at *time.Time) string {
	if at == nil {
		return unlimited
	}
	return output.Time(*at)
}

func capText(a *money.Amount) string {
	if a == nil {
		return unlimited
	}
	return a.String()
}
