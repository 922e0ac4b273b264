package audit

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/massrouter/massrouter/domain/money"
)

// Report is what the log amounts to, and what is wrong with it.
type Report struct {
	Events        int64            `json:"events"`
	Position      int64            `json:"position"` // of the last event
	FirstRecorded time.Time        `json:"first_recorded_at,omitzero"`
	LastRecorded  time.Time        `json:"last_recorded_at,omitzero"`
	Streams       map[string]int64 `json:"streams"` // by kind
	Types         map[string]int64 `json:"types"`   // events by type
	Wallets       int64            `json:"wallets"`
	Keys          int64            `json:"keys"`
	OpenHolds     int64            `json:"open_holds"`
	Sums          []Sum            `json:"sums"`          // by class of accounts
	TrialBalance  []Sum            `json:"trial_balance"` // over all accounts, by currency
	Root          string           `json:"root"`          // RFC 6962 Merkle root of the leaf hashes, in hex
	Findings      []Finding        `json:"findings"`      // the first of them
	FindingCount  int64            `json:"finding_count"`
	FindingCodes  map[Code]int64   `json:"finding_codes"`

	// Balances are those of all wallets, by id.
	Balances []WalletBalance `json:"-"`
}

// Sum is a sum of money. Amount is a decimal string, without the ledger's bound on single amounts.
type Sum struct {
	Class    string `json:"class,omitempty"`
	Currency string `json:"currency"`
	Amount   string `json:"amount"`
}

// WalletBalance is what one wallet has.
type WalletBalance struct {
	ID       [16]byte
	Currency money.Currency
	Posted   money.Amount
	Held     money.Amount
}

func (v *verifier) report() *Report {
	root := v.state.tree.root()
	r := &Report{
		Events: v.events, Position: v.state.Position, FirstRecorded: v.first, LastRecorded: v.state.RecordedAt,
		Streams: map[string]int64{}, Types: v.types, Wallets: int64(len(v.state.Wallets)), Keys: int64(len(v.state.Keys)),
		Root: hex.EncodeToString(root[:]), Findings: v.findings.First(), FindingCount: v.findings.Total(),
		FindingCodes: v.findings.ByCode(),
	}
	for id := range v.state.Streams {
		r.Streams[id.Kind()]++
	}
	for _, w := range v.state.Wallets {
		r.OpenHolds += w.OpenHolds
		r.Balances = append(r.Balances, WalletBalance{w.ID, w.Currency, w.Posted(), w.Held})
	}
	slices.SortFunc(r.Balances, func(a, b WalletBalance) int { return slices.Compare(a.ID[:], b.ID[:]) })
	r.Sums, r.TrialBalance = v.sums()
	return r
}

// sums adds all accounts up, by class and in all: the second adds up to the trial balance another way than by entries.
func (v *verifier) sums() (byClass, all []Sum) {
	classes, total := map[account]money.Amount{}, map[account]money.Amount{}
	add := func(class money.Account, currency money.Currency, amount money.Amount) {
		at := account{class, currency}
		classes[at] = classes[at].Add(amount)
		total[account{"", currency}] = total[account{"", currency}].Add(amount)
	}
	for _, w := range v.state.Wallets {
		add("wallet", w.Currency, w.Available)
		add("hold", w.Currency, w.Held)
	}
	for at, amount := range v.house {
		add(classOf(at.name), at.currency, amount)
	}
	return sorted(classes), sorted(total)
}

// classOf is an account without its identity.
func classOf(name money.Account) money.Account {
	head, _, _ := strings.Cut(string(name), ":")
	switch {
	case head == "vendor" && strings.HasSuffix(string(name), ":payable"):
		return "vendor:payable"
	case head == "cash", head == "wallet", head == "hold":
		return money.Account(head)
	}
	return name
}

func sorted(sums map[account]money.Amount) []Sum {
	out := make([]Sum, 0, len(sums))
	for at, amount := range sums {
		out = append(out, Sum{string(at.name), string(at.currency), amount.String()})
	}
	slices.SortFunc(out, func(a, b Sum) int {
		return strings.Compare(a.Class+"\x00"+a.Currency, b.Class+"\x00"+b.Currency)
	})
	return out
}
