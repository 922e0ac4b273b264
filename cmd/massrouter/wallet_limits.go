package main

import (
	"io"
	"strconv"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/http/openapi/client"
)

// walletLimits is what 'wallet limits' can be told.
type walletLimits struct {
	member                  string
	day, week, month, total string
	rates                   wallet.RateLimits
}

func newWalletLimitsCommand(sh shell) *cobra.Command {
	var o operator
	var l walletLimits
	c := &cobra.Command{
		Use: "limits WALLET", Short: "Replace the limits of a wallet, or of one of its members", Args: exactly(1),
		Long: "Replaces the rate limits that all calls of a wallet share or, with --member, the caps and rate limits that all keys of a member " +
			"share. They count beside those of each key. All are replaced together: what is not given is no limit." + operatorHelp,
		Example: "  massrouter wallet limits 018f0000-0000-7000-8000-000000000000 --requests-per-minute 6000 --parallel 200\n" +
			"  massrouter wallet limits 018f0000-0000-7000-8000-000000000000 --member 018f0000-0000-7000-8000-00000000000a --cap-month 50 --requests-per-minute 60",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("wallet", args[0])
			if err != nil {
				return err
			}
			caps, err := parseCaps(l.day, l.week, l.month, l.total)
			if err != nil {
				return err
			}
			if l.member == "" && caps != (wallet.Caps{}) {
				return usagef("caps are those of a member: give --member. What a wallet may spend is what is in it")
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			if l.member == "" {
				r, err := api.SetWalletRateLimitsWithResponse(c.Context(), id, &client.SetWalletRateLimitsParams{IdempotencyKey: &o.once}, l.rates)
				if err != nil {
					return o.lost(err)
				}
				return printReceipt(c, "set", args[0], r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			}
			member, err := parseID("member", l.member)
			if err != nil {
				return err
			}
			r, err := api.SetMemberLimitsWithResponse(c.Context(), id, member, &client.SetMemberLimitsParams{IdempotencyKey: &o.once},
				client.MemberLimits{Caps: &caps, RateLimits: &l.rates})
			if err != nil {
				return o.lost(err)
			}
			return printReceipt(c, "set", l.member, r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	flags := c.Flags()
	flags.StringVar(&l.member, "member", "", "an opaque UUID that keys have (default: the wallet itself)")
	flags.StringVar(&l.day, "cap-day", "", "the most that the member may spend in a UTC day")
	flags.StringVar(&l.week, "cap-week", "", "in an ISO week")
	flags.StringVar(&l.month, "cap-month", "", "in a month")
	flags.StringVar(&l.total, "cap-total", "", "in all")
	flags.Int64Var(&l.rates.RequestsPerMinute, "requests-per-minute", 0, "the most calls in a minute (default: no limit)")
	flags.Int64Var(&l.rates.TokensPerMinute, "tokens-per-minute", 0, "the most prompt and completion tokens in a minute (default: no limit)")
	flags.Int64Var(&l.rates.Parallel, "parallel", 0, "the most calls under way at the same time (default: no limit)")
	return o.flags(c, true)
}

// parseCaps reads caps by day, week, month and in all; "" is none.
func parseCaps(day, week, month, total string) (caps wallet.Caps, err error) {
	for _, limit := range []struct {
		text string
		to   **money.Amount
	}{{day, &caps.Day}, {week, &caps.Week}, {month, &caps.Month}, {total, &caps.Total}} {
		if limit.text == "" {
			continue
		}
		amount, err := money.Parse(limit.text)
		if err != nil {
			return caps, usageError{err}
		}
		*limit.to = &amount
	}
	return caps, nil
}

func newKeyMemberCommand(sh shell) *cobra.Command {
	var o operator
	none := false
	c := &cobra.Command{
		Use: "member KEY [MEMBER]", Short: "Say who of a wallet uses a key", Args: cobra.RangeArgs(1, 2),
		Long: "Says which member of the wallet uses a key, or with --none that nobody in particular does. A member is an opaque UUID of yours, never a " +
			"name or an address. The limits of the member (massrouter wallet limits) count beside those of the key." + operatorHelp,
		Example: "  massrouter key member 018f0000-0000-7000-8000-000000000000 018f0000-0000-7000-8000-00000000000a\n" +
			"  massrouter key member 018f0000-0000-7000-8000-000000000000 --none",
		RunE: func(c *cobra.Command, args []string) error {
			key, err := parseID("key", args[0])
			if err != nil {
				return err
			}
			if none == (len(args) == 2) { //nolint:mnd // the key and the member
				return usagef("give the member, or --none")
			}
			var member uuid.UUID
			if !none {
				if member, err = parseID("member", args[1]); err != nil {
					return err
				}
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			if none {
				r, err := api.ClearKeyMemberWithResponse(c.Context(), key, &client.ClearKeyMemberParams{IdempotencyKey: &o.once})
				if err != nil {
					return o.lost(err)
				}
				return printReceipt(c, "freed", args[0], r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			}
			r, err := api.SetKeyMemberWithResponse(c.Context(), key, &client.SetKeyMemberParams{IdempotencyKey: &o.once}, client.SetKeyMember{MemberID: member})
			if err != nil {
				return o.lost(err)
			}
			return printReceipt(c, "set", args[0], r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	c.Flags().BoolVar(&none, "none", false, "nobody in particular uses it")
	return o.flags(c, true)
}

// writeRates prints rate limits.
func writeRates(w io.Writer, r wallet.RateLimits) {
	text := func(n int64) string {
		if n == 0 {
			return "no limit"
		}
		return strconv.FormatInt(n, 10)
	}
	output.Fields(w, "requests a minute", text(r.RequestsPerMinute), "tokens a minute", text(r.TokensPerMinute), "parallel calls", text(r.Parallel))
}
