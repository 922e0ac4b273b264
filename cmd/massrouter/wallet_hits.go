package main

import (
	"io"
	"time"

	openapi "github.com/oapi-codegen/runtime/types"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/http/openapi/client"
)

func newWalletHitsCommand(sh shell) *cobra.Command {
	var o operator
	from, to := "", ""
	c := &cobra.Command{
		Use: "cache-hits WALLET", Short: "Show what the cache of answers has saved a wallet", Args: exactly(1),
		Long:    "Shows by day, key and model how many calls of a wallet were answered from the cache, and what they would have cost." + reachHelp,
		Example: "  massrouter wallet cache-hits 018f0000-0000-7000-8000-000000000000 --from 2026-08-01 --to 2026-08-31",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("wallet", args[0])
			if err != nil {
				return err
			}
			first, err := parseDay("--from", from)
			if err != nil {
				return err
			}
			last, err := parseDay("--to", to)
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.ListCacheHitsWithResponse(c.Context(), id, &client.ListCacheHitsParams{From: first, To: last})
			if err != nil {
				return err
			}
			found, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(found, func(w io.Writer) {
				rows := make([][]string, len(found.Items))
				for i, one := range found.Items {
					rows[i] = []string{one.Day.String(), one.KeyID.String(), one.Model, one.Hits.String(), one.Saved.String()}
				}
				output.Table(w, []string{"day", "key", "model", "hits", "saved"}, rows)
				output.Fields(w, "hits in all", found.Hits.String(), "saved in all", found.Saved.String())
			})
		},
	}
	c.Flags().StringVar(&from, "from", "", "the first day, such as 2026-08-01 (default: 30 days before the last)")
	c.Flags().StringVar(&to, "to", "", "the last day (default: today)")
	return o.flags(c, false)
}

// parseDay reads a day; nil for "".
func parseDay(flag, text string) (*openapi.Date, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no day is a valid answer
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return nil, usagef("%s: %q is no day such as 2026-08-01", flag, text)
	}
	return &openapi.Date{Time: day}, nil
}
