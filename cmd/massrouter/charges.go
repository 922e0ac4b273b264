package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/http/openapi/client"
)

func newChargesCommand(sh shell) *cobra.Command {
	return group("charges", "Review suspect charges",
		"Shows charges whose usage failed a check, and decides on them."+operatorHelp,
		group("review", "List suspect charges and decide on them",
			"A charge is suspect when the usage that its vendor gave is missing or cannot be true. It stays on the list until an operator has "+
				"accepted or corrected it, or its vendor's own word, looked up later, has corrected it."+operatorHelp,
			newReviewListCommand(sh), newReviewAcceptCommand(sh), newReviewCorrectCommand(sh)))
}

func newReviewListCommand(sh shell) *cobra.Command {
	var o operator
	var p client.ListChargeReviewsParams
	var state, vendor, model, reason, cursor string
	limit := 0
	c := &cobra.Command{
		Use: "list", Short: "List suspect charges", Args: exactly(0),
		Long:    "Lists a page of suspect charges, the newest first, and how many there are. --state open shows those that wait for a decision." + operatorHelp,
		Example: "  massrouter charges review list --state open --vendor acme --reason usage_missing",
		RunE: func(c *cobra.Command, _ []string) error {
			p.State, p.Vendor, p.Model, p.Reason, p.Cursor, p.Limit = pointer(state), pointer(vendor), pointer(model), pointer(reason), pointer(cursor), pointer(limit)
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.ListChargeReviewsWithResponse(c.Context(), &p)
			if err != nil {
				return err
			}
			page, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(page, func(w io.Writer) { writeReviews(w, page) })
		},
	}
	flags := c.Flags()
	flags.StringVar(&state, "state", "", "open or resolved (default: both)")
	flags.StringVar(&vendor, "vendor", "", "only calls of this vendor")
	flags.StringVar(&model, "model", "", "only calls of this model")
	flags.StringVar(&reason, "reason", "", "only those that failed this check, for example usage_missing")
	flags.StringVar(&cursor, "cursor", "", "the next page, as the page before says")
	flags.IntVar(&limit, "limit", 0, "at most so many (default: 50)")
	return o.flags(c, false)
}

func writeReviews(w io.Writer, page *client.ChargeReviewPage) {
	rows := make([][]string, 0, len(page.Items))
	for i := range page.Items {
		r := &page.Items[i]
		decided := ""
		if r.Decision != nil && r.DecidedBy != nil && r.DecidedBecause != nil {
			decided = *r.Decision + " by " + *r.DecidedBy + ": " + *r.DecidedBecause
		}
		rows = append(rows, []string{
			output.Time(r.ChargedAt), r.GenerationID, r.Endpoint, r.Reason, r.Charge.String(), r.CorrectedCharge.String(), r.State, decided,
		})
	}
	output.Table(w, []string{"CHARGED", "GENERATION", "ENDPOINT", "REASON", "CHARGE", "CORRECTED", "STATE", "DECISION"}, rows)
	_, _ = fmt.Fprintf(w, "\n%s open, %s resolved\n", page.Open, page.Resolved) // w is a buffer
	if page.NextCursor != nil {
		_, _ = fmt.Fprintf(w, "more with --cursor %s\n", *page.NextCursor)
	}
}

func newReviewAcceptCommand(sh shell) *cobra.Command {
	var o operator
	reason := ""
	c := &cobra.Command{
		Use: "accept GENERATION", Short: "Let a suspect charge stand", Args: exactly(1),
		Long:    "Decides that a suspect charge is right as it is. The decision is an event: who made it, when and why is recorded for ever." + operatorHelp,
		Example: "  massrouter charges review accept gen-018f0000-0000-7000-8000-000000000000 --reason 'as invoiced'",
		RunE: func(c *cobra.Command, args []string) error {
			return review(c, sh, &o, args[0], client.ChargeReviewRequest{Decision: "accept", Reason: reason})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; needed")
	return o.flags(c, true)
}

func newReviewCorrectCommand(sh shell) *cobra.Command {
	var o operator
	var reason, evidence string
	var used []string
	c := &cobra.Command{
		Use: "correct GENERATION", Short: "Correct a suspect charge to its true usage", Args: exactly(1),
		Long: "Says what a call used in truth. It is priced as the charge was, and the difference is charged or given back; what the wallet " +
			"does not have is uncollectible. Each piece of evidence corrects a charge once. Classes that are not named are zero." + operatorHelp,
		Example: "  massrouter charges review correct gen-018f0000-0000-7000-8000-000000000000 --used input=1200 --used output=310 --used request=1 \\\n" +
			"    --evidence 'invoice 2026-08, line 7' --reason 'the stream was cut off'",
		RunE: func(c *cobra.Command, args []string) error {
			quantities, err := parseUsage(used)
			if err != nil {
				return err
			}
			if evidence == "" {
				return usagef("--evidence is needed: a correction says what it follows from")
			}
			return review(c, sh, &o, args[0], client.ChargeReviewRequest{Decision: "correct", Reason: reason, Evidence: &evidence, Usage: &quantities})
		},
	}
	flags := c.Flags()
	flags.StringVar(&reason, "reason", "", "why; needed")
	flags.StringVar(&evidence, "evidence", "", "what says so; needed")
	flags.StringArrayVar(&used, "used", nil, "CLASS=QUANTITY; repeat it for more")
	return o.flags(c, true)
}

// parseUsage reads CLASS=QUANTITY.
func parseUsage(used []string) (map[string]openapi.Count, error) {
	out := make(map[string]openapi.Count, len(used))
	for _, text := range used {
		class, number, _ := strings.Cut(text, "=")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n < 0 || !usage.Class(class).Known() {
			return nil, usagef("--used %q is no CLASS=QUANTITY, for example output=310", text)
		}
		if _, again := out[class]; again {
			return nil, usagef("--used has %s twice", class)
		}
		out[class] = openapi.Count(n)
	}
	return out, nil
}

func review(c *cobra.Command, sh shell, o *operator, generation string, body client.ChargeReviewRequest) error {
	if _, err := domain.ParseGenerationID(generation); err != nil {
		return usageError{err}
	}
	if body.Reason == "" {
		return usagef("--reason is needed: it is recorded for ever")
	}
	api, err := o.client(c, sh)
	if err != nil {
		return err
	}
	r, err := api.ReviewChargeWithResponse(c.Context(), generation, &client.ReviewChargeParams{IdempotencyKey: o.once}, body)
	if err != nil {
		return o.lost(err)
	}
	done, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
	if err != nil {
		return err
	}
	return printer(c).Value(done, func(w io.Writer) {
		pairs := []string{"generation", done.GenerationID, "decision", done.Decision, "position", done.Position.String()}
		if d := done.Correction; d != nil {
			pairs = append(pairs, "charge", d.Charge.String(), "difference", d.Difference.String(), "debited", d.Debited.String(), "uncollectible", d.Uncollectible.String())
		}
		output.Fields(w, pairs...)
	})
}
