package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/http/openapi/client"
	"github.com/massrouter/massrouter/reactors/webhook"
)

func newWebhookCommand(sh shell) *cobra.Command {
	return group("webhook", "Register customers' webhooks, look at their deliveries, send them again",
		"A webhook is an address of a customer that gets signed requests about what happens in a wallet. 'massrouter work' sends them."+operatorHelp,
		newWebhookAddCommand(sh), newWebhookListCommand(sh), newWebhookShowCommand(sh), newWebhookUpdateCommand(sh), newWebhookRotateCommand(sh),
		newWebhookRemoveCommand(sh), newWebhookPingCommand(sh), newWebhookDeliveriesCommand(sh), newWebhookReplayCommand(sh), newWebhookKeygenCommand())
}

// hookSettings is what can be said of a webhook.
type hookSettings struct {
	name, url, threshold string
	types                []string
	disabled             bool
}

func (s *hookSettings) flags(c *cobra.Command) {
	var known []string
	for _, d := range webhook.Types() {
		known = append(known, string(d.Type))
	}
	flags := c.Flags()
	flags.StringVar(&s.url, "url", "", "where the requests go: https://… (needed)")
	flags.StringVar(&s.name, "name", "", "what it is for")
	flags.StringSliceVar(&s.types, "type", nil, "a type that it gets; repeat it for more (default: all): "+strings.Join(known, ", "))
	flags.StringVar(&s.threshold, "balance-threshold", "", "tell with balance.low when the balance falls below it")
	flags.BoolVar(&s.disabled, "disabled", false, "send nothing until it is enabled")
}

func (s *hookSettings) body() (client.WebhookSettings, error) {
	if s.url == "" {
		return client.WebhookSettings{}, usagef("a webhook needs --url")
	}
	body := client.WebhookSettings{URL: s.url, Name: pointer(s.name), Disabled: pointer(s.disabled)}
	if len(s.types) > 0 {
		body.EventTypes = &s.types
	}
	if s.threshold != "" {
		threshold, err := money.Parse(s.threshold)
		if err != nil {
			return body, usageError{err}
		}
		body.BalanceThreshold = &threshold
	}
	return body, nil
}

func newWebhookAddCommand(sh shell) *cobra.Command {
	var o operator
	var s hookSettings
	c := &cobra.Command{
		Use: "add WALLET", Short: "Register a webhook", Args: exactly(1),
		Long: "Registers a webhook of a wallet and prints the secret that its receiver verifies signatures with, once. It gets what is recorded " +
			"from now on." + operatorHelp,
		Example: "  massrouter webhook add 018f0000-0000-7000-8000-000000000000 --url https://example.com/hook\n" +
			"  massrouter webhook add 018f0000-0000-7000-8000-000000000000 --url https://example.com/hook --type charge.created --type balance.low --balance-threshold 5",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("wallet", args[0])
			if err != nil {
				return err
			}
			body, err := s.body()
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.CreateWebhookWithResponse(c.Context(), id, &client.CreateWebhookParams{IdempotencyKey: &o.once}, body)
			if err != nil {
				return o.lost(err)
			}
			return printSecret(c, r.JSON201, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	s.flags(c)
	return o.flags(c, true)
}

func printSecret(c *cobra.Command, made *client.WebhookSecret, problem *client.Problem, status string) error {
	made, err := answer(made, problem, status)
	if err != nil {
		return err
	}
	return printer(c).Value(made, func(w io.Writer) {
		pairs := []string{"webhook", made.WebhookID.String(), "secret (shown once)", made.Secret}
		if made.FromPosition != nil {
			pairs = append(pairs, "events after position", made.FromPosition.String())
		}
		if made.OldSecretUntil != nil {
			pairs = append(pairs, "old secret until", output.Time(*made.OldSecretUntil))
		}
		output.Fields(w, pairs...)
	})
}

func newWebhookUpdateCommand(sh shell) *cobra.Command {
	var o operator
	var s hookSettings
	c := &cobra.Command{
		Use: "update WEBHOOK", Short: "Replace a webhook's settings", Args: exactly(1),
		Long: "Replaces all settings together: what is not given is taken away. Without --disabled, a webhook that was disabled works again; " +
			"'webhook replay --since' sends it what happened meanwhile." + operatorHelp,
		Example: "  massrouter webhook update 018f0000-0000-7000-8000-000000000000 --url https://example.com/hook --type charge.created",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("webhook", args[0])
			if err != nil {
				return err
			}
			body, err := s.body()
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.UpdateWebhookWithResponse(c.Context(), id, &client.UpdateWebhookParams{IdempotencyKey: &o.once}, body)
			if err != nil {
				return o.lost(err)
			}
			return printHookReceipt(c, "updated", r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	s.flags(c)
	return o.flags(c, true)
}

func printHookReceipt(c *cobra.Command, done string, receipt *client.WebhookReceipt, problem *client.Problem, status string) error {
	r, err := answer(receipt, problem, status)
	if err != nil {
		return err
	}
	return printer(c).Value(r, func(w io.Writer) { output.Fields(w, done, r.WebhookID.String()) })
}

func newWebhookRotateCommand(sh shell) *cobra.Command {
	var o operator
	grace := webhook.DefaultGrace
	c := &cobra.Command{
		Use: "rotate WEBHOOK", Short: "Give a webhook a new secret", Args: exactly(1),
		Long:    "Makes a new secret and prints it, once. For as long as --grace, requests carry a signature by the old one, too." + operatorHelp,
		Example: "  massrouter webhook rotate 018f0000-0000-7000-8000-000000000000 --grace 48h",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("webhook", args[0])
			if err != nil {
				return err
			}
			seconds := int64(grace.Seconds())
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.RotateWebhookSecretWithResponse(c.Context(), id, &client.RotateWebhookSecretParams{IdempotencyKey: &o.once},
				client.RotateWebhookSecret{GraceSeconds: &seconds})
			if err != nil {
				return o.lost(err)
			}
			return printSecret(c, r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	c.Flags().DurationVar(&grace, "grace", grace, "how long the old secret signs as well; 0 ends it now")
	return o.flags(c, true)
}

func newWebhookRemoveCommand(sh shell) *cobra.Command {
	var o operator
	c := &cobra.Command{
		Use: "remove WEBHOOK", Short: "Delete a webhook", Args: exactly(1),
		Long:    "Deletes a webhook. Its address and secrets are erased at once, its deliveries within minutes." + operatorHelp,
		Example: "  massrouter webhook remove 018f0000-0000-7000-8000-000000000000",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("webhook", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.DeleteWebhookWithResponse(c.Context(), id, &client.DeleteWebhookParams{IdempotencyKey: &o.once})
			if err != nil {
				return o.lost(err)
			}
			return printHookReceipt(c, "removed", r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	return o.flags(c, true)
}

func newWebhookKeygenCommand() *cobra.Command {
	return &cobra.Command{
		Use: "keygen", Short: "Make a key for MASSROUTER_WEBHOOK_KEY", Args: exactly(0),
		Long: "Draws a key that seals the secrets of webhooks in the database, and prints it. To change keys, put the new one in front of the old " +
			"one, with a comma between them; without the old one, the secrets that it sealed are lost.",
		Example: "  massrouter webhook keygen > webhook.key",
		RunE: func(c *cobra.Command, _ []string) error {
			key, err := webhook.NewKey()
			if err != nil {
				return err
			}
			return printer(c).Value(map[string]string{"key": key}, func(w io.Writer) {
				_, _ = fmt.Fprintln(w, key) // nobody is left to tell
			})
		},
	}
}

func newWebhookListCommand(sh shell) *cobra.Command {
	var o operator
	c := &cobra.Command{
		Use: "list WALLET", Short: "List the webhooks of a wallet", Args: exactly(1),
		Long:    "Lists all webhooks of a wallet, the oldest first, and whether their receivers work." + operatorHelp,
		Example: "  massrouter webhook list 018f0000-0000-7000-8000-000000000000",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("wallet", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.ListWebhooksWithResponse(c.Context(), id)
			if err != nil {
				return err
			}
			list, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(list, func(w io.Writer) {
				rows := make([][]string, len(list.Items))
				for i := range list.Items {
					h := &list.Items[i]
					rows[i] = []string{h.ID.String(), hookState(h), strconv.Itoa(h.Failures), strings.Join(h.EventTypes, " "), h.Name, h.URL}
				}
				output.Table(w, []string{"ID", "STATE", "FAILURES", "TYPES", "NAME", "URL"}, rows)
			})
		},
	}
	return o.flags(c, false)
}

func hookState(h *client.Webhook) string {
	switch {
	case h.DisabledReason != nil:
		return "disabled: " + *h.DisabledReason
	case h.Failures > 0:
		return "failing"
	}
	return "enabled"
}
