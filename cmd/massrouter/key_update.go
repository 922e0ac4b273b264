package main

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/http/openapi/client"
)

// unlimited takes a limit away.
const unlimited = "none"

// keyChange is what 'key update' can be told.
type keyChange struct {
	keyLimits

	anyModel, anywhere bool
}

func newKeyUpdateCommand(sh shell) *cobra.Command {
	var o operator
	var change keyChange
	c := &cobra.Command{
		Use: "update KEY", Short: "Change the name and the limits of a key", Args: exactly(1),
		Long: "Changes what is given; all else stays as it is. A cap or an expiry of 'none' is taken away, and so is a rate limit of 0. --model and --network " +
			"replace the lists that there are; --any-model and --anywhere take them away. It counts for calls that are admitted from then on." + operatorHelp,
		Example: "  massrouter key update 018f0000-0000-7000-8000-000000000000 --name batch --cap-day 5 --cap-total none\n" +
			"  massrouter key update 018f0000-0000-7000-8000-000000000000 --model aurora/polaris-mini --network 203.0.113.0/24 --expires 2030-01-01T00:00:00Z\n" +
			"  massrouter key update 018f0000-0000-7000-8000-000000000000 --any-model --anywhere --expires none --requests-per-minute 0",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("key", args[0])
			if err != nil {
				return err
			}
			if err := change.check(c); err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			now, err := keyOf(c.Context(), api, id)
			if err != nil {
				return err
			}
			body, err := change.over(c, now)
			if err != nil {
				return err
			}
			r, err := api.UpdateKeyWithResponse(c.Context(), id, &client.UpdateKeyParams{IdempotencyKey: &o.once}, body)
			if err != nil {
				return o.lost(err)
			}
			return printReceipt(c, "updated", args[0], r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	change.flags(c, func(string) string { return "" })
	c.Flags().BoolVar(&change.anyModel, "any-model", false, "it may call all models")
	c.Flags().BoolVar(&change.anywhere, "anywhere", false, "it may be used from anywhere")
	return o.flags(c, true)
}

// check refuses what cannot be meant, before anything is asked.
func (k *keyChange) check(c *cobra.Command) error {
	flags := c.Flags()
	switch {
	case flags.Changed("model") && k.anyModel:
		return usagef("give --model or --any-model")
	case flags.Changed("network") && k.anywhere:
		return usagef("give --network or --anywhere")
	}
	_, err := k.over(c, &client.Key{})
	return err
}

// over is a key's limits with what was given in the place of what there was.
func (k *keyChange) over(c *cobra.Command, now *client.Key) (client.UpdateKey, error) {
	caps, rates, given := now.Caps, now.RateLimits, c.Flags().Changed
	body := client.UpdateKey{Name: now.Name, Caps: &caps, Models: now.Models, ExpiresAt: now.ExpiresAt, RateLimits: &rates, Networks: now.Networks}
	if given("name") {
		body.Name = k.name
	}
	for _, one := range []struct {
		flag, text string
		to         **money.Amount
	}{{"cap-day", k.day, &caps.Day}, {"cap-week", k.week, &caps.Week}, {"cap-month", k.month, &caps.Month}, {"cap-total", k.total, &caps.Total}} {
		switch {
		case !given(one.flag):
		case one.text == unlimited:
			*one.to = nil
		default:
			amount, err := money.Parse(one.text)
			if err != nil {
				return body, usageError{err}
			}
			*one.to = &amount
		}
	}
	for _, one := range []struct {
		flag  string
		value int64
		to    *int64
	}{
		{"requests-per-minute", k.rates.RequestsPerMinute, &rates.RequestsPerMinute},
		{"tokens-per-minute", k.rates.TokensPerMinute, &rates.TokensPerMinute},
		{"parallel", k.rates.Parallel, &rates.Parallel},
	} {
		if given(one.flag) {
			*one.to = one.value
		}
	}
	if given("model") || k.anyModel {
		body.Models = k.models
	}
	var err error
	if given("network") || k.anywhere {
		if body.Networks, err = parseNetworks(k.networks); err != nil {
			return body, err
		}
	}
	if given("expires") {
		body.ExpiresAt, err = parseTime("--expires", strings.TrimPrefix(k.expires, unlimited))
	}
	return body, err
}

// keyOf is a key as it is now.
func keyOf(ctx context.Context, api *client.ClientWithResponses, id uuid.UUID) (*client.Key, error) {
	r, err := api.GetKeyWithResponse(ctx, id, &client.GetKeyParams{})
	if err != nil {
		return nil, err
	}
	shown, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
	if err != nil {
		return nil, err
	}
	return &shown.Key, nil
}

func newKeyRotateCommand(sh shell) *cobra.Command {
	var o operator
	var grace time.Duration
	c := &cobra.Command{
		Use: "rotate KEY", Short: "Give a key another secret", Args: exactly(1),
		Long: "Makes another secret for a key and prints it, once: only a hash of it is kept. The one before works on for --grace, at most a week; with 0 it ends " +
			"at once. The key keeps its id, its limits and what it has spent." + operatorHelp,
		Example: "  massrouter key rotate 018f0000-0000-7000-8000-000000000000 --grace 24h\n" +
			"  massrouter key rotate 018f0000-0000-7000-8000-000000000000 --grace 0",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("key", args[0])
			if err != nil {
				return err
			}
			if grace < 0 || grace%time.Second != 0 {
				return usagef("--grace is a time in whole seconds, such as 24h, or 0")
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.RotateKeyWithResponse(c.Context(), id, &client.RotateKeyParams{IdempotencyKey: &o.once}, client.RotateKey{GraceSeconds: int64(grace / time.Second)})
			if err != nil {
				return o.lost(err)
			}
			rotated, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(rotated, func(w io.Writer) {
				output.Fields(w, "key", rotated.KeyID.String(), "secret (shown once)", rotated.Secret, "position", rotated.Position.String())
			})
		},
	}
	c.Flags().DurationVar(&grace, "grace", 24*time.Hour, "how long the old secret works on, such as 24h; 0 ends it at once")
	return o.flags(c, true)
}

func newKeyDisableCommand(sh shell) *cobra.Command {
	var o operator
	reason := ""
	c := &cobra.Command{
		Use: "disable KEY", Short: "Stop a key until it is enabled", Args: exactly(1),
		Long:    "Disables a key. Calls that run are finished and charged; new ones are refused until 'key enable'." + operatorHelp,
		Example: "  massrouter key disable 018f0000-0000-7000-8000-000000000000 --reason 'spends too much'",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("key", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.DisableKeyWithResponse(c.Context(), id, &client.DisableKeyParams{IdempotencyKey: &o.once}, client.KeyReason{Reason: reason})
			if err != nil {
				return o.lost(err)
			}
			return printReceipt(c, "disabled", args[0], r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; recorded for ever")
	return o.flags(c, true)
}

func newKeyEnableCommand(sh shell) *cobra.Command {
	var o operator
	c := &cobra.Command{
		Use: "enable KEY", Short: "Let a disabled key work again", Args: exactly(1),
		Long:    "Enables a key that was disabled, also by a report that it had leaked: rotate that one with --grace 0 first." + operatorHelp,
		Example: "  massrouter key enable 018f0000-0000-7000-8000-000000000000",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("key", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.EnableKeyWithResponse(c.Context(), id, &client.EnableKeyParams{IdempotencyKey: &o.once})
			if err != nil {
				return o.lost(err)
			}
			return printReceipt(c, "enabled", args[0], r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	return o.flags(c, true)
}
