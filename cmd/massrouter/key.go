package main

import (
	"io"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/http/openapi/client"
)

func newKeyCommand(sh shell) *cobra.Command {
	return group("key", "Issue, list, change, rotate, disable and revoke API keys",
		"Issues, lists, changes and revokes API keys, and binds them to apps. A key spends from one wallet, within its limits."+operatorHelp,
		newKeyIssueCommand(sh), newKeyListCommand(sh), newKeyShowCommand(sh), newKeyUpdateCommand(sh), newKeyRotateCommand(sh), newKeyDisableCommand(sh),
		newKeyEnableCommand(sh), newKeyBindAppCommand(sh), newKeyMemberCommand(sh), newKeyRevokeCommand(sh))
}

// keyLimits is what 'key issue' can be told, and most of it 'key update'.
type keyLimits struct {
	name, expires           string
	day, week, month, total string
	models, networks        []string
	rates                   apikey.RateLimits
	management              bool
	member                  string
}

func newKeyIssueCommand(sh shell) *cobra.Command {
	var o operator
	var limits keyLimits
	c := &cobra.Command{
		Use: "issue WALLET", Short: "Issue an API key", Args: exactly(1),
		Long: "Issues a key and prints its secret, once: only a hash of it is kept. Caps bound what the key may spend in a UTC " +
			"day, ISO week, month, and in all; rate limits bound how fast it may be used." + operatorHelp,
		Example: "  massrouter key issue 018f0000-0000-7000-8000-000000000000 --name laptop\n" +
			"  massrouter key issue 018f0000-0000-7000-8000-000000000000 --name batch --cap-day 5 --model aurora/polaris-mini --expires 2030-01-01T00:00:00Z\n" +
			"  massrouter key issue 018f0000-0000-7000-8000-000000000000 --name shared --requests-per-minute 600 --tokens-per-minute 1000000 --parallel 20\n" +
			"  massrouter key issue 018f0000-0000-7000-8000-000000000000 --name office --network 203.0.113.0/24 --network 2001:db8::/32\n" +
			"  massrouter key issue 018f0000-0000-7000-8000-000000000000 --name terraform --management",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("wallet", args[0])
			if err != nil {
				return err
			}
			body, err := limits.body()
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.IssueKeyWithResponse(c.Context(), id, &client.IssueKeyParams{IdempotencyKey: &o.once}, body)
			if err != nil {
				return o.lost(err)
			}
			issued, err := answer(r.JSON201, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(issued, func(w io.Writer) {
				output.Fields(w, "key", issued.KeyID.String(), "secret (shown once)", issued.Secret, "position", issued.Position.String())
			})
		},
	}
	limits.flags(c, func(means string) string { return " (default: " + means + ")" })
	flags := c.Flags()
	flags.StringVar(&limits.member, "member", "", "who of the wallet uses it, an opaque UUID: the limits of that member count, too")
	flags.BoolVar(&limits.management, "management", false, "a key that manages the other keys of the wallet by /api/v1/keys, and calls no models")
	return o.flags(c, true)
}

// flags adds those that issuing and updating have in common; absent says what it means not to give one.
func (l *keyLimits) flags(c *cobra.Command, absent func(means string) string) {
	flags := c.Flags()
	flags.StringVar(&l.name, "name", "", "what the key is for")
	flags.StringVar(&l.day, "cap-day", "", "the most that it may spend in a UTC day")
	flags.StringVar(&l.week, "cap-week", "", "in an ISO week")
	flags.StringVar(&l.month, "cap-month", "", "in a month")
	flags.StringVar(&l.total, "cap-total", "", "in all")
	flags.StringSliceVar(&l.models, "model", nil, "a model that it may call; repeat it for more"+absent("all"))
	flags.StringSliceVar(&l.networks, "network", nil, "a network that it may be used from, such as 203.0.113.0/24; repeat it for more"+absent("anywhere"))
	flags.StringVar(&l.expires, "expires", "", "when it ends, for example 2030-01-01T00:00:00Z")
	flags.Int64Var(&l.rates.RequestsPerMinute, "requests-per-minute", 0, "the most calls in a minute"+absent("no limit"))
	flags.Int64Var(&l.rates.TokensPerMinute, "tokens-per-minute", 0, "the most prompt and completion tokens in a minute"+absent("no limit"))
	flags.Int64Var(&l.rates.Parallel, "parallel", 0, "the most calls under way at the same time"+absent("no limit"))
}

func (l keyLimits) body() (client.IssueKey, error) {
	body := client.IssueKey{Name: l.name}
	caps, err := parseCaps(l.day, l.week, l.month, l.total)
	if err != nil {
		return body, err
	}
	if caps != (wallet.Caps{}) {
		body.Caps = &caps
	}
	if l.rates != (apikey.RateLimits{}) {
		body.RateLimits = &l.rates
	}
	if l.member != "" {
		member, err := parseID("member", l.member)
		if err != nil {
			return body, err
		}
		body.MemberID = &member
	}
	if l.management {
		scope := apikey.Management
		body.Scope = &scope
	}
	if len(l.models) > 0 {
		body.Models = &l.models
	}
	if len(l.networks) > 0 {
		networks, err := parseNetworks(l.networks)
		if err != nil {
			return body, err
		}
		body.Networks = &networks
	}
	at, err := parseTime("--expires", l.expires)
	body.ExpiresAt = at
	return body, err
}

func parseNetworks(texts []string) (apikey.Networks, error) {
	var networks apikey.Networks
	for _, text := range texts {
		n, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, usagef("--network: %q is no network such as 203.0.113.0/24", text)
		}
		networks = append(networks, n)
	}
	return networks, nil
}

// parseTime reads a moment or a day; nil for "".
func parseTime(flag, text string) (*time.Time, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no moment is a valid answer
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return &at, nil
		}
	}
	return nil, usagef("%s: %q is no moment such as 2030-01-01T00:00:00Z", flag, text)
}

func newKeyRevokeCommand(sh shell) *cobra.Command {
	var o operator
	reason := ""
	c := &cobra.Command{
		Use: "revoke KEY", Short: "End a key for good", Args: exactly(1),
		Long:    "Revokes a key. Calls that run are finished and charged; new ones are refused. It cannot be taken back." + operatorHelp,
		Example: "  massrouter key revoke 018f0000-0000-7000-8000-000000000000 --reason leaked",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("key", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.RevokeKeyWithResponse(c.Context(), id, &client.RevokeKeyParams{IdempotencyKey: &o.once}, client.KeyReason{Reason: reason})
			if err != nil {
				return o.lost(err)
			}
			return printReceipt(c, "revoked", args[0], r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; recorded for ever")
	return o.flags(c, true)
}

func newKeyBindAppCommand(sh shell) *cobra.Command {
	var o operator
	none := false
	c := &cobra.Command{
		Use: "bind-app KEY [APP]", Short: "Say which app a key's calls count for", Args: cobra.RangeArgs(1, 2),
		Long: "Binds a key to an app of its wallet, in the place of the one before; --none frees it." + operatorHelp,
		Example: "  massrouter key bind-app 018f0000-0000-7000-8000-000000000000 018f0000-0000-7000-8000-000000000001\n" +
			"  massrouter key bind-app 018f0000-0000-7000-8000-000000000000 --none",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("key", args[0])
			if err != nil {
				return err
			}
			if none != (len(args) == 1) {
				return usagef("give the id of an app, or --none")
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			if none {
				r, err := api.UnbindAppWithResponse(c.Context(), id, &client.UnbindAppParams{IdempotencyKey: &o.once})
				if err != nil {
					return o.lost(err)
				}
				return printReceipt(c, "freed", args[0], r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			}
			app, err := parseID("app", args[1])
			if err != nil {
				return err
			}
			r, err := api.BindAppWithResponse(c.Context(), id, &client.BindAppParams{IdempotencyKey: &o.once}, client.BindApp{AppID: app})
			if err != nil {
				return o.lost(err)
			}
			return printReceipt(c, "bound", args[0], r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	c.Flags().BoolVar(&none, "none", false, "bind it to no app")
	return o.flags(c, true)
}

func printReceipt(c *cobra.Command, done, what string, receipt *client.Receipt, problem *client.Problem, status string) error {
	r, err := answer(receipt, problem, status)
	if err != nil {
		return err
	}
	return printer(c).Value(r, func(w io.Writer) {
		output.Fields(w, done, what, "position", r.Position.String(), "recorded", output.Time(r.RecordedAt))
	})
}
