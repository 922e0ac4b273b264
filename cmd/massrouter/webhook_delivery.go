package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/http/openapi/client"
)

func newWebhookShowCommand(sh shell) *cobra.Command {
	var o operator
	c := &cobra.Command{
		Use: "show WEBHOOK [DELIVERY]", Short: "Show a webhook, or one of its deliveries", Args: cobra.RangeArgs(1, 2),
		Long: "Shows a webhook and whether its receiver works; with the id of a delivery, what is sent and what became of each attempt." + operatorHelp,
		Example: "  massrouter webhook show 018f0000-0000-7000-8000-000000000000\n" +
			"  massrouter webhook show 018f0000-0000-7000-8000-000000000000 018f0000-0000-8000-8000-000000000001",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("webhook", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			if len(args) == 2 {
				return showDelivery(c, api, id, args[1])
			}
			r, err := api.GetWebhookWithResponse(c.Context(), id)
			if err != nil {
				return err
			}
			shown, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(shown, func(w io.Writer) { writeHook(w, &shown.Webhook) })
		},
	}
	return o.flags(c, false)
}

func writeHook(w io.Writer, h *client.Webhook) {
	types := strings.Join(h.EventTypes, " ")
	if types == "" {
		types = "all"
	}
	pairs := []string{"webhook", h.ID.String(), "wallet", h.WalletID.String(), "name", h.Name, "url", h.URL, "types", types, "state", hookState(h)}
	if h.BalanceThreshold != nil {
		pairs = append(pairs, "balance threshold", h.BalanceThreshold.String())
	}
	if h.FailingSince != nil {
		pairs = append(pairs, "failing since", output.Time(*h.FailingSince), "failures", strconv.Itoa(h.Failures))
	}
	if h.LastSuccessAt != nil {
		pairs = append(pairs, "last success", output.Time(*h.LastSuccessAt))
	}
	if h.OldSecretUntil != nil {
		pairs = append(pairs, "old secret until", output.Time(*h.OldSecretUntil))
	}
	if r := h.Replay; r != nil {
		state := "at " + r.Position.String() + " of " + r.UntilPosition.String()
		if r.FinishedAt != nil {
			state = "finished"
		}
		pairs = append(pairs, "replay", fmt.Sprintf("since %s, %s, %s deliveries", r.SincePosition, state, r.Deliveries))
	}
	output.Fields(w, append(pairs, "events after position", h.FromPosition.String(), "registered", output.Time(h.CreatedAt)+" by "+h.CreatedBy,
		"updated", output.Time(h.UpdatedAt)+" by "+h.UpdatedBy)...)
}

func showDelivery(c *cobra.Command, api *client.ClientWithResponses, webhook uuid.UUID, text string) error {
	id, err := parseID("delivery", text)
	if err != nil {
		return err
	}
	r, err := api.GetWebhookDeliveryWithResponse(c.Context(), webhook, id)
	if err != nil {
		return err
	}
	shown, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
	if err != nil {
		return err
	}
	return printer(c).Value(shown, func(w io.Writer) {
		writeDeliveries(w, []client.WebhookDelivery{shown.Delivery})
		_, _ = fmt.Fprintf(w, "\n%s\n\n", shown.Body) // w is a buffer
		rows := make([][]string, len(shown.Attempts))
		for i, a := range shown.Attempts {
			rows[i] = []string{strconv.Itoa(a.Number), output.Time(a.StartedAt), strconv.FormatInt(a.DurationMs, 10) + " ms", number(a.Status), or(a.Error, "delivered")}
		}
		output.Table(w, []string{"ATTEMPT", "STARTED", "TOOK", "STATUS", "OUTCOME"}, rows)
	})
}

func writeDeliveries(w io.Writer, all []client.WebhookDelivery) {
	rows := make([][]string, len(all))
	for i := range all {
		d := &all[i]
		position, next := "", ""
		if d.Position != nil {
			position = d.Position.String()
		}
		if d.NextAttemptAt != nil {
			next = output.Time(*d.NextAttemptAt)
		}
		rows[i] = []string{d.ID.String(), d.Type, position, output.Time(d.EventAt), d.State, strconv.Itoa(d.Attempts), number(d.Status), or(d.Error, ""), next}
	}
	output.Table(w, []string{"ID", "TYPE", "POSITION", "EVENT", "STATE", "ATTEMPTS", "STATUS", "ERROR", "NEXT ATTEMPT"}, rows)
}

func number(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

func or(text *string, otherwise string) string {
	if text == nil {
		return otherwise
	}
	return *text
}

func newWebhookDeliveriesCommand(sh shell) *cobra.Command {
	var o operator
	var state, kind, from, to, cursor string
	limit := 0
	c := &cobra.Command{
		Use: "deliveries WEBHOOK", Short: "List what was sent, or is to be", Args: exactly(1),
		Long:    "Lists a page of a webhook's deliveries, those made last first." + operatorHelp,
		Example: "  massrouter webhook deliveries 018f0000-0000-7000-8000-000000000000 --state failed --from 2026-03-01",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("webhook", args[0])
			if err != nil {
				return err
			}
			since, err := parseTime("--from", from)
			if err != nil {
				return err
			}
			until, err := parseTime("--to", to)
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.ListWebhookDeliveriesWithResponse(c.Context(), id, &client.ListWebhookDeliveriesParams{
				State: pointer(state), Type: pointer(kind), From: since, To: until, Cursor: pointer(cursor), Limit: pointer(limit),
			})
			if err != nil {
				return err
			}
			page, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(page, func(w io.Writer) {
				writeDeliveries(w, page.Items)
				if page.NextCursor != nil {
					_, _ = fmt.Fprintf(w, "\nmore: --cursor %s\n", *page.NextCursor) // w is a buffer
				}
			})
		},
	}
	flags := c.Flags()
	flags.StringVar(&state, "state", "", "pending, delivered or failed")
	flags.StringVar(&kind, "type", "", "of this type only")
	flags.StringVar(&from, "from", "", "events at or after it, for example 2026-03-01T00:00:00Z")
	flags.StringVar(&to, "to", "", "events before it")
	flags.StringVar(&cursor, "cursor", "", "go on after a page")
	flags.IntVar(&limit, "limit", 0, "so many at most (default 50)")
	return o.flags(c, false)
}

func newWebhookPingCommand(sh shell) *cobra.Command {
	var o operator
	c := &cobra.Command{
		Use: "ping WEBHOOK", Short: "Send a test", Args: exactly(1),
		Long:    "Sends a message of type webhook.ping, and prints the delivery's id; 'webhook show WEBHOOK DELIVERY' says what became of it." + operatorHelp,
		Example: "  massrouter webhook ping 018f0000-0000-7000-8000-000000000000",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("webhook", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.PingWebhookWithResponse(c.Context(), id, &client.PingWebhookParams{IdempotencyKey: &o.once})
			if err != nil {
				return o.lost(err)
			}
			return printDelivery(c, r.JSON202, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	return o.flags(c, true)
}

func printDelivery(c *cobra.Command, receipt *client.WebhookDeliveryReceipt, problem *client.Problem, status string) error {
	r, err := answer(receipt, problem, status)
	if err != nil {
		return err
	}
	return printer(c).Value(r, func(w io.Writer) { output.Fields(w, "delivery", r.DeliveryID.String()) })
}

func newWebhookReplayCommand(sh shell) *cobra.Command {
	var o operator
	since, all := "", false
	c := &cobra.Command{
		Use: "replay WEBHOOK [DELIVERY]", Short: "Send one delivery, or a range of events, again", Args: cobra.RangeArgs(1, 2),
		Long: "With the id of a delivery: sends it again. With --since, a position or a time: sends what happened after it, up to now, by the filter " +
			"of now: what failed, and what the webhook never had, because it was disabled, say. --all sends what was delivered, too. Ids stay the " +
			"same, so receivers know what they have seen." + operatorHelp,
		Example: "  massrouter webhook replay 018f0000-0000-7000-8000-000000000000 018f0000-0000-8000-8000-000000000001\n" +
			"  massrouter webhook replay 018f0000-0000-7000-8000-000000000000 --since 2026-03-01T00:00:00Z\n" +
			"  massrouter webhook replay 018f0000-0000-7000-8000-000000000000 --since 120000 --all",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("webhook", args[0])
			if err != nil {
				return err
			}
			if (len(args) == 2) == (since != "") {
				return usagef("give the id of a delivery, or --since")
			}
			body, err := rangeOf(since, all)
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			if since != "" {
				r, err := api.ReplayWebhookWithResponse(c.Context(), id, &client.ReplayWebhookParams{IdempotencyKey: &o.once}, body)
				if err != nil {
					return o.lost(err)
				}
				return printHookReceipt(c, "replay begun for", r.JSON202, r.ApplicationProblemJSONDefault, r.Status())
			}
			delivery, err := parseID("delivery", args[1])
			if err != nil {
				return err
			}
			r, err := api.ReplayWebhookDeliveryWithResponse(c.Context(), id, delivery, &client.ReplayWebhookDeliveryParams{IdempotencyKey: &o.once})
			if err != nil {
				return o.lost(err)
			}
			return printDelivery(c, r.JSON202, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	c.Flags().StringVar(&since, "since", "", "a position, or a time such as 2026-03-01T00:00:00Z")
	c.Flags().BoolVar(&all, "all", false, "with --since: send what was delivered, too")
	return o.flags(c, true)
}

// rangeOf reads --since: a number is a position.
func rangeOf(since string, all bool) (client.ReplayWebhook, error) {
	body := client.ReplayWebhook{IncludeDelivered: pointer(all)}
	if n, err := strconv.ParseInt(since, 10, 64); err == nil && n >= 0 {
		position := openapi.Count(n)
		body.SincePosition = &position
		return body, nil
	}
	at, err := parseTime("--since", since)
	body.SinceTime = at
	return body, err
}
