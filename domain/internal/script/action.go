package script

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

const holdTime = 10 * time.Minute

// actions are the sentences after "given" and "when".
func (w *world) actions() []sentence {
	return []sentence{
		plain("the time is {time}", w.setTime),
		plain("{duration} (?:pass|passes)", w.pass),
		plain("a wallet in {currency}[ with {amount}]", w.open),
		plain("{amount}[ {currency}] (?:is|are) (topped up|granted|adjusted)", w.credit),
		{"a key {name}", w.key},
		{"key {name} gets other caps", w.key},
		{"a price {name}[ in {currency}][ from {time}]", w.price},
		plain("call {name} asks for {n} prompt and {n} completion tokens[ with key {name}][ for {duration}]", w.call),
		plain("call {name} asks for {n} prompt and up to {n} completion tokens[ with key {name}][ for {duration}]", w.clampedCall),
		plain("hold {name} of {amount} is placed[ with key {name}][ for {duration}]", w.hold),
		plain("hold {name} is extended by {duration}", w.extend),
		plain("call {name} used {text}", w.used),
		plain("hold {name} is charged {amount}", w.charge),
		plain("hold {name} is released", func(a args) error {
			return w.apply(w.wallet.ReleaseHold(wallet.ReleaseHold{HoldID: idOf("hold", a.values[0]), Reason: "script"}))
		}),
		plain("the sweeper looks at hold {name}", func(a args) error {
			return w.apply(w.wallet.ExpireHold(idOf("hold", a.values[0]), w.now))
		}),
	}
}

func (w *world) setTime(a args) error {
	t, err := a.time(0)
	if err != nil {
		return err
	}
	if t.Before(w.now) && w.wallet.Opened {
		return errors.New("time does not go back")
	}
	w.now = t
	return nil
}

func (w *world) pass(a args) error {
	d, err := a.duration(0, 0)
	w.now = w.now.Add(d)
	return err
}

func (w *world) open(a args) error {
	c := wallet.Open{WalletID: idOf("wallet", ""), Currency: money.Currency(a.values[0])}
	if err := w.apply(w.wallet.Open(c)); err != nil || a.values[1] == "" {
		return err
	}
	amount, err := a.amount(1)
	if err != nil {
		return err
	}
	return w.apply(w.wallet.TopUp(wallet.TopUp{Amount: amount, Currency: c.Currency, PSP: "operator", Reason: "script"}))
}

func (w *world) credit(a args) error {
	amount, err := a.amount(0)
	if err != nil {
		return err
	}
	currency := w.wallet.Currency
	if a.values[1] != "" {
		currency = money.Currency(a.values[1])
	}
	switch a.values[2] {
	case "topped up":
		return w.apply(w.wallet.TopUp(wallet.TopUp{Amount: amount, Currency: currency, PSP: "operator", Reason: "script"}))
	case "granted":
		return w.apply(w.wallet.Grant(wallet.Grant{Amount: amount, Currency: currency, Reason: "script"}))
	}
	return w.apply(w.wallet.Adjust(wallet.Adjust{Amount: amount, Currency: currency, Reason: "script"}))
}

// key sets a key's caps: "day 5.00".
func (w *world) key(a args) error {
	var caps wallet.Caps
	for _, row := range a.table {
		into, ok := map[string]**money.Amount{"day": &caps.Day, "week": &caps.Week, "month": &caps.Month, "total": &caps.Total}[row[0]]
		if !ok || len(row) != 2 {
			return fmt.Errorf("a cap is day, week, month or total with an amount, not %q", strings.Join(row, " "))
		}
		limit, err := money.Parse(row[1])
		if err != nil {
			return err
		}
		*into = &limit
	}
	if err := caps.Check(); err != nil {
		return err
	}
	w.caps[a.values[0]] = caps
	return nil
}

func (w *world) call(a args) error {
	completion, err := a.number(2)
	if err != nil {
		return err
	}
	return w.placeCall(a, completion)
}

// clampedCall asks for as many completion tokens as the budget allows.
func (w *world) clampedCall(a args) error {
	prompt, err := a.number(1)
	if err != nil {
		return err
	}
	limit, err := a.number(2)
	if err != nil {
		return err
	}
	price, err := w.endpoint.PriceInForce("", w.now)
	if err != nil {
		return err
	}
	key, caps, err := w.keyOf(a.values[3])
	if err != nil {
		return err
	}
	budget, _ := w.wallet.Budget(wallet.Spender{KeyID: idOf("key", key), Caps: caps}, w.now)
	affordable, _ := price.Price.AffordableOutput(budget, usage.Bounds{Prompt: prompt, Completion: limit}, w.now)
	return w.placeCall(a, affordable)
}

func (w *world) placeCall(a args, completion int64) error {
	prompt, err := a.number(1)
	if err != nil {
		return err
	}
	price, err := w.endpoint.PriceInForce("", w.now)
	if err != nil {
		return err
	}
	w.tokens[a.values[0]] = completion
	return w.place(a, 3, wallet.PlaceHold{
		PriceVersion: price.ID, PromptTokens: prompt, CompletionTokens: completion, Currency: price.Currency,
		MaxCost: price.Price.MaxCost(usage.Bounds{Prompt: prompt, Completion: completion}, w.now),
	})
}

func (w *world) hold(a args) error {
	amount, err := a.amount(1)
	if err != nil {
		return err
	}
	return w.place(a, 2, wallet.PlaceHold{MaxCost: amount, Currency: w.wallet.Currency})
}

// place fills in what all holds have; the key's name and the duration are the arguments at rest and rest + 1.
func (w *world) place(a args, rest int, c wallet.PlaceHold) error {
	key, caps, err := w.keyOf(a.values[rest])
	if err != nil {
		return err
	}
	d, err := a.duration(rest+1, holdTime)
	if err != nil {
		return err
	}
	c.HoldID, c.KeyID, c.Caps, c.ExpiresAt = idOf("hold", a.values[0]), idOf("key", key), caps, w.now.Add(d)
	c.Model, c.Endpoint = w.endpoint.Endpoint.Model, w.endpoint.Endpoint.ID
	return w.apply(w.wallet.PlaceHold(c, w.now))
}

func (w *world) keyOf(name string) (string, wallet.Caps, error) {
	if name == "" {
		name = defaultKey
	}
	caps, ok := w.caps[name]
	if !ok {
		return "", wallet.Caps{}, fmt.Errorf("no key is named %q", name)
	}
	return name, caps, nil
}

func (w *world) extend(a args) error {
	d, err := a.duration(1, 0)
	if err != nil {
		return err
	}
	return w.apply(w.wallet.ExtendHold(wallet.ExtendHold{HoldID: idOf("hold", a.values[0]), ExpiresAt: w.now.Add(d)}, w.now))
}

// used settles a call at its pinned price: "900 input, 100 cache_read".
func (w *world) used(a args) error {
	used := usage.Usage{}
	for _, part := range strings.Split(a.values[1], ",") {
		count, class, _ := strings.Cut(strings.TrimSpace(part), " ")
		n, err := strconv.ParseInt(count, 10, 64)
		if err != nil {
			return fmt.Errorf("usage is given as \"900 input, 200 output\": %w", err)
		}
		used[usage.Class(class)] += n
	}
	if err := used.Check(); err != nil {
		return err
	}
	hold, ok := w.wallet.Find(idOf("hold", a.values[0]))
	if !ok {
		return domain.Errorf(domain.CodeHoldNotFound, "no hold is open for call %s", a.values[0])
	}
	price, err := w.endpoint.Price(hold.PriceVersion)
	if err != nil {
		return err
	}
	return w.settle(wallet.SettleHold{
		HoldID: idOf("hold", a.values[0]), Usage: used, LineItems: price.Price.LineItems(used, hold.PlacedAt),
		VendorCost: usage.Total(price.CostSchedule().LineItems(used, hold.PlacedAt)),
	})
}

// charge settles a hold that has no price with one line of a given amount.
func (w *world) charge(a args) error {
	price, err := money.ParsePrice(a.values[1])
	if err != nil {
		return err
	}
	return w.settle(wallet.SettleHold{
		HoldID: idOf("hold", a.values[0]), Usage: usage.Usage{usage.Request: 1},
		LineItems: []usage.LineItem{{Class: usage.Request, Quantity: 1, Price: price, Amount: price.Times(1)}},
	})
}

func (w *world) settle(c wallet.SettleHold) error {
	c.Vendor, c.Provenance = w.endpoint.Endpoint.Vendor, usage.Reported
	e, err := w.wallet.SettleHold(c, w.now)
	if err == nil {
		w.charged = &e
	}
	return w.apply(e, err)
}
