package money

import "github.com/massrouter/massrouter/domain"

// Account is an account of the chart: "wallet:<id>", "hold:<id>", "revenue:usage", "vendor:<id>:payable", …
type Account string

// The house accounts that have no identity of their own.
const (
	RevenueUsage  Account = "revenue:usage"
	CostUsage     Account = "cost:usage"
	Promo         Account = "promo"
	Adjustment    Account = "adjustment"
	Uncollectible Account = "uncollectible"
)

// Cash is the account of what a payment provider holds for us.
func Cash(psp string) Account { return Account("cash:" + psp) }

// VendorPayable is what we owe a vendor.
func VendorPayable(vendor string) Account { return Account("vendor:" + vendor + ":payable") }

// Leg is one side of an entry. Positive amounts are credits (what the account's owner is owed grows), negative ones
// debits.
type Leg struct {
	Account Account `json:"account"` // of the chart of accounts
	Amount  Amount  `json:"amount"`  // credits are positive, debits negative
}

// Entry is a balanced set of legs of one currency: they sum to zero.
type Entry []Leg

// NewEntry is the only constructor: it takes all legs, drops those of zero, and refuses a sum other than zero with
// code entry_unbalanced.
func NewEntry(legs ...Leg) (Entry, error) {
	out := make(Entry, 0, len(legs))
	sum := Amount{}
	for _, leg := range legs {
		if err := leg.Amount.Check(); err != nil {
			return nil, err
		}
		if leg.Amount.IsZero() {
			continue
		}
		sum = sum.Add(leg.Amount)
		out = append(out, leg)
	}
	if !sum.IsZero() {
		return nil, domain.Errorf(domain.CodeUnbalanced, "the legs of an entry sum to %s, not to zero", sum)
	}
	return out, nil
}

// Sum is the sum of all legs; zero for every entry that NewEntry made.
func (e Entry) Sum() Amount {
	sum := Amount{}
	for _, leg := range e {
		sum = sum.Add(leg.Amount)
	}
	return sum
}

// AppendJSON appends the stored form.
func (e Entry) AppendJSON(dst []byte) ([]byte, error) {
	if e == nil {
		return append(dst, "null"...), nil
	}
	dst = append(dst, '[')
	for i, leg := range e {
		if i > 0 {
			dst = append(dst, ',')
		}
		o := domain.BeginObject(dst)
		o.String("account", string(leg.Account))
		o.Value("amount", leg.Amount.AppendJSON)
		var err error
		if dst, err = o.End(); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

// ReadJSON reads the stored form at the beginning of b and returns what follows it.
func (e *Entry) ReadJSON(b []byte) (rest []byte, ok bool) {
	*e = make(Entry, 0, 5)
	return domain.ReadList(b, func(b []byte) ([]byte, bool) {
		var leg Leg
		f := domain.ReadObject(b)
		f.Value("account", leg.Account.readJSON)
		f.Value("amount", leg.Amount.ReadJSON)
		*e = append(*e, leg)
		return f.End()
	})
}

// readJSON reads a quoted name; those of the accounts that every charge moves are not copied.
func (a *Account) readJSON(b []byte) (rest []byte, ok bool) {
	name, rest, ok := domain.ReadString(b)
	switch string(name) {
	case string(RevenueUsage):
		*a = RevenueUsage
	case string(CostUsage):
		*a = CostUsage
	default:
		*a = Account(name)
	}
	return rest, ok
}
