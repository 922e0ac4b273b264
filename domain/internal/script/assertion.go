package script

import (
	"errors"
	"fmt"
	"strings"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// assertions are the sentences after "then".
func (w *world) assertions() []sentence {
	return []sentence{
		{"it is refused: {name}", w.isRefused},
		plain("(posted|held|available) is {amount}", func(a args) error {
			return same(a.values[1], map[string]money.Amount{
				"posted": w.wallet.Posted, "held": w.wallet.Held, "available": w.wallet.Available(),
			}[a.values[0]])
		}),
		plain("hold {name} is {amount}", w.holdHas),
		plain("hold {name} is (open|suspect|expired|closed)", w.holdIs),
		plain("call {name} may produce {n} tokens", func(a args) error { return equal(a.values[1], fmt.Sprint(w.tokens[a.values[0]])) }),
		{"the charge is {amount}", w.chargeIs},
		plain("the customer paid {amount}", w.ofCharge(func() money.Amount { return w.charged.Debited() })),
		plain("{amount} is uncollectible", w.ofCharge(func() money.Amount { return w.charged.Uncollectible })),
		plain("the vendor bills {amount}", w.ofCharge(func() money.Amount { return w.charged.VendorCost })),
		plain("the charge came (late|in time)", func(a args) error {
			if w.charged == nil {
				return errNoCharge
			}
			return equal(a.values[0], map[bool]string{true: "late", false: "in time"}[w.charged.Late])
		}),
		plain("key {name} has spent {amount} (today|this week|this month|in total)", w.keyHasSpent),
		plain("key {name} may spend {amount} more, limited by {name}", w.keyMaySpend),
		plain("the price in force is {name}", w.priceInForce),
		plain("no price is in force", func(args) error {
			if v, err := w.endpoint.PriceInForce("", w.now); err == nil {
				return fmt.Errorf("version %s is in force", v.ID)
			}
			return nil
		}),
		plain("one {name} costs {amount} with {n} prompt tokens", w.rateIs),
		plain("account {text} is {amount}", w.accountIs),
	}
}

var errNoCharge = errors.New("nothing was charged yet")

func equal(want, got string) error {
	if want != got {
		return fmt.Errorf("it is %s", got)
	}
	return nil
}

func same(want string, got money.Amount) error {
	amount, err := money.Parse(want)
	if err != nil {
		return err
	}
	return equal(amount.String(), got.String())
}

// isRefused takes note of the refusal; the table names details that it has to give.
func (w *world) isRefused(a args) error {
	refusal := w.refusal
	if refusal == nil {
		return errors.New("the step before was accepted")
	}
	w.refusal = nil
	if err := equal(a.values[0], string(refusal.Code)); err != nil {
		return err
	}
	for _, row := range a.table {
		if len(row) != 2 || refusal.Details[row[0]] != row[1] {
			return fmt.Errorf("%s is %q", row[0], refusal.Details[row[0]])
		}
	}
	return nil
}

func (w *world) holdHas(a args) error {
	h, ok := w.wallet.Holds[idOf("hold", a.values[0])]
	if !ok {
		return errors.New("it is not open")
	}
	return same(a.values[1], h.Amount)
}

func (w *world) holdIs(a args) error {
	id := idOf("hold", a.values[0])
	is := "closed"
	if h, ok := w.wallet.Holds[id]; ok {
		is = "open"
		if !h.SuspectSince.IsZero() {
			is = "suspect"
		}
	} else if _, ok := w.wallet.Expired[id]; ok {
		is = "expired"
	}
	return equal(a.values[1], is)
}

func (w *world) ofCharge(amount func() money.Amount) func(args) error {
	return func(a args) error {
		if w.charged == nil {
			return errNoCharge
		}
		return same(a.values[0], amount())
	}
}

// chargeIs compares the charge, and with a table all of its lines: "input 900 x 0.00000125 = 0.001125".
func (w *world) chargeIs(a args) error {
	if w.charged == nil {
		return errNoCharge
	}
	if err := same(a.values[0], w.charged.Charge); err != nil || len(a.table) == 0 {
		return err
	}
	if len(a.table) != len(w.charged.LineItems) {
		return fmt.Errorf("it has %d lines", len(w.charged.LineItems))
	}
	for i, item := range w.charged.LineItems {
		line := fmt.Sprintf("%s %d x %s = %s", item.Class, item.Quantity, item.Price, item.Amount)
		if want := strings.Join(a.table[i], " "); want != line {
			return fmt.Errorf("line %d is %q, not %q", i+1, line, want)
		}
	}
	return nil
}

func (w *world) keyHasSpent(a args) error {
	spent := w.wallet.SpentBy(idOf("key", a.values[0]), w.now)
	return same(a.values[1], map[string]money.Amount{
		"today": spent.Day, "this week": spent.Week, "this month": spent.Month, "in total": spent.Total,
	}[a.values[2]])
}

func (w *world) keyMaySpend(a args) error {
	key, caps, err := w.keyOf(a.values[0])
	if err != nil {
		return err
	}
	budget, limit := w.wallet.Budget(wallet.Spender{KeyID: idOf("key", key), Caps: caps}, w.now)
	if err := same(a.values[1], budget); err != nil {
		return err
	}
	return equal(a.values[2], string(limit))
}

func (w *world) priceInForce(a args) error {
	v, err := w.endpoint.PriceInForce("", w.now)
	if err != nil {
		return err
	}
	if v.ID != idOf("price", a.values[0]) {
		return errors.New("another one is")
	}
	return nil
}

func (w *world) rateIs(a args) error {
	prompt, err := a.number(2)
	if err != nil {
		return err
	}
	v, err := w.endpoint.PriceInForce("", w.now)
	if err != nil {
		return err
	}
	return same(a.values[1], v.Price.Rate(usage.Class(a.values[0]), prompt, w.now).Times(1))
}

// accountIs looks into the books: "wallet", "hold A", or an account of the house.
func (w *world) accountIs(a args) error {
	account := money.Account(a.values[0])
	if name, ok := strings.CutPrefix(a.values[0], "hold "); ok {
		account = money.Account("hold:" + idOf("hold", name).String())
	} else if a.values[0] == "wallet" {
		account = w.wallet.Account()
	}
	return same(a.values[1], w.books[account])
}
