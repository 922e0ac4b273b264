package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/http/openapi/client"
)

func newWalletCommand(sh shell) *cobra.Command {
	return group("wallet", "Open, credit and show wallets",
		"Opens, credits and shows wallets. A wallet holds prepaid money in one currency; keys spend from it."+operatorHelp,
		newWalletOpenCommand(sh), newWalletCreditCommand(sh), newWalletShowCommand(sh),
		newWalletGroupCommand(sh), newWalletTermsCommand(sh), newWalletHitsCommand(sh), newWalletLimitsCommand(sh))
}

func newWalletOpenCommand(sh shell) *cobra.Command {
	var o operator
	var owner, currency, id string
	c := &cobra.Command{
		Use: "open", Short: "Open a wallet", Args: exactly(0),
		Long:    "Opens an empty wallet and prints its id. The owner is an opaque id of yours, never a name or an address." + operatorHelp,
		Example: "  massrouter wallet open --owner customer-17\n  massrouter wallet open --owner customer-17 --currency EUR --json",
		RunE: func(c *cobra.Command, _ []string) error {
			body := client.OpenWallet{Owner: owner, Currency: money.Currency(currency)}
			if id != "" {
				wallet, err := parseID("wallet", id)
				if err != nil {
					return err
				}
				body.WalletID = &wallet
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.OpenWalletWithResponse(c.Context(), &client.OpenWalletParams{IdempotencyKey: &o.once}, body)
			if err != nil {
				return o.lost(err)
			}
			return printBalance(c, r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	c.Flags().StringVar(&owner, "owner", "", "an opaque id of the owner")
	c.Flags().StringVar(&currency, "currency", "USD", "three letters")
	c.Flags().StringVar(&id, "id", "", "the wallet's id (default: a new one)")
	return o.flags(c, true)
}

// credit is what 'wallet credit' can be told.
type credit struct {
	currency, reason, reference, psp string
	grant                            bool
}

func newWalletCreditCommand(sh shell) *cobra.Command {
	var o operator
	var how credit
	c := &cobra.Command{
		Use: "credit WALLET AMOUNT", Short: "Top a wallet up, or grant promotional credit", Args: exactly(2),
		Long: "Credits money that came in from outside (a top-up), or promotional credit with --grant. Both are recorded with " +
			"their reason and appear in the statement." + operatorHelp,
		Example: "  massrouter wallet credit 018f0000-0000-7000-8000-000000000000 25.00 --reason 'bank transfer' --reference 2026-0815\n" +
			"  massrouter wallet credit 018f0000-0000-7000-8000-000000000000 5 --grant --reason 'welcome'",
		RunE: func(c *cobra.Command, args []string) error {
			wallet, err := parseID("wallet", args[0])
			if err != nil {
				return err
			}
			amount, err := money.Parse(args[1])
			if err != nil {
				return usageError{err}
			}
			if how.reason == "" {
				return usagef("--reason is needed: it is recorded for ever")
			}
			return creditWallet(c, sh, &o, wallet, amount, how)
		},
	}
	flags := c.Flags()
	flags.StringVar(&how.currency, "currency", "USD", "the wallet's currency")
	flags.StringVar(&how.reason, "reason", "", "why; needed")
	flags.StringVar(&how.reference, "reference", "", "for example the number of the payment")
	flags.StringVar(&how.psp, "psp", "", "who holds the cash (default: operator)")
	flags.BoolVar(&how.grant, "grant", false, "promotional credit instead of a top-up")
	return o.flags(c, true)
}

func creditWallet(c *cobra.Command, sh shell, o *operator, wallet uuid.UUID, amount money.Amount, how credit) error {
	api, err := o.client(c, sh)
	if err != nil {
		return err
	}
	if how.grant {
		r, err := api.GrantCreditWithResponse(c.Context(), wallet, &client.GrantCreditParams{IdempotencyKey: o.once}, client.Grant{
			Amount: amount, Currency: money.Currency(how.currency), Reason: how.reason, Reference: pointer(how.reference),
		})
		if err != nil {
			return o.lost(err)
		}
		return printBalance(c, r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
	}
	r, err := api.TopUpWalletWithResponse(c.Context(), wallet, &client.TopUpWalletParams{IdempotencyKey: o.once}, client.TopUp{
		Amount: amount, Currency: money.Currency(how.currency), Reason: how.reason, Reference: pointer(how.reference), Psp: pointer(how.psp),
	})
	if err != nil {
		return o.lost(err)
	}
	return printBalance(c, r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
}

func printBalance(c *cobra.Command, receipt *client.BalanceReceipt, problem *client.Problem, status string) error {
	b, err := answer(receipt, problem, status)
	if err != nil {
		return err
	}
	return printer(c).Value(b, func(w io.Writer) {
		output.Fields(w, "wallet", b.WalletID.String(), "posted", b.Posted.String(), "held", b.Held.String(),
			"available", b.Available.String(), "position", b.Position.String())
	})
}

func newWalletShowCommand(sh shell) *cobra.Command {
	var o operator
	movements := 0
	c := &cobra.Command{
		Use: "show WALLET", Short: "Show a wallet's balance and statement", Args: exactly(1),
		Long: "Shows what a wallet holds: posted is what is in it, held is reserved by calls under way, available is the rest. " +
			"--statement adds its last movements, each with the balance before and after." + operatorHelp,
		Example: "  massrouter wallet show 018f0000-0000-7000-8000-000000000000 --statement 20",
		RunE: func(c *cobra.Command, args []string) error {
			wallet, err := parseID("wallet", args[0])
			if err != nil {
				return err
			}
			if movements < 0 {
				return usagef("--statement is not negative")
			}
			return showWallet(c, sh, &o, wallet, movements)
		},
	}
	c.Flags().IntVar(&movements, "statement", 0, "show so many movements")
	return o.flags(c, false)
}

// shownWallet is a wallet with --json.
type shownWallet struct {
	client.WalletAnswer
	Statement []client.Movement `json:"statement,omitempty"`
}

func showWallet(c *cobra.Command, sh shell, o *operator, id uuid.UUID, movements int) error {
	api, err := o.client(c, sh)
	if err != nil {
		return err
	}
	r, err := api.GetWalletWithResponse(c.Context(), id, &client.GetWalletParams{})
	if err != nil {
		return err
	}
	found, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
	if err != nil {
		return err
	}
	shown := shownWallet{WalletAnswer: *found}
	if movements > 0 {
		s, err := api.GetStatementWithResponse(c.Context(), id, &client.GetStatementParams{Limit: &movements, MinPosition: &found.Position})
		if err != nil {
			return err
		}
		page, err := answer(s.JSON200, s.ApplicationProblemJSONDefault, s.Status())
		if err != nil {
			return err
		}
		shown.Statement = page.Items
	}
	return printer(c).Value(shown, func(w io.Writer) { writeWallet(w, shown) })
}

func writeWallet(w io.Writer, shown shownWallet) {
	wallet := shown.Wallet
	output.Fields(w, "wallet", wallet.ID.String(), "owner", wallet.Owner, "currency", string(wallet.Currency),
		"posted", wallet.Posted.String(), "held", wallet.Held.String()+" in "+wallet.OpenHolds.String()+" calls", "available", wallet.Available.String(),
		"credited in all", wallet.CreditedTotal.String(), "charged in all", wallet.ChargedTotal.String(), "opened", output.Time(wallet.OpenedAt),
		"as of", fmt.Sprintf("%s, position %s", output.Time(shown.AsOf), shown.Position))
	if len(shown.Statement) == 0 {
		return
	}
	rows := make([][]string, 0, len(shown.Statement))
	for _, m := range shown.Statement {
		rows = append(rows, movementRow(m))
	}
	_, _ = fmt.Fprintln(w) // w is a buffer
	output.Table(w, []string{"TIME", "KIND", "AMOUNT", "BEFORE", "AFTER", "WHAT"}, rows)
}

func movementRow(m client.Movement) []string {
	what := ""
	for _, part := range []*string{m.Model, m.GenerationID, m.Reason, m.Reference} {
		if part != nil && *part != "" {
			what += " " + *part
		}
	}
	return []string{
		output.Time(m.RecordedAt), string(m.Kind), m.Amount.String(), m.BalanceBefore.String(), m.BalanceAfter.String(), strings.TrimSpace(what),
	}
}
