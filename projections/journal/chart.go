// Package journal is the read model of the double-entry books: every event that moves money is one entry, whose legs sum to
// zero. Amounts and balances are signed as in the events: credits are positive, debits negative.
//
// The chart of accounts:
//
//	account               group              kind       normal  balance means
//	wallet:<id>           wallet:*           liability  credit  what a customer may spend
//	holds:<wallet id>     hold:*             liability  credit  what running calls of a customer hold
//	vendor:<id>:payable   vendor:*:payable   liability  credit  what we owe a vendor
//	cash:<psp>            cash:*             asset      debit   what a payment provider holds for us
//	revenue:usage         revenue:usage      revenue    credit  sales, gross
//	cost:usage            cost:usage         expense    debit   what vendors bill for the sales
//	promo                 promo              expense    debit   credit given away
//	adjustment            adjustment         expense    debit   corrections by operators, either way
//	uncollectible         uncollectible      expense    debit   what charges above their hold could not take
//
// Accounts of single holds (hold:<id>) would be as many as calls, and almost all of them zero. The books therefore keep one
// account holds:<wallet id> a wallet: a leg on hold:<id> is a leg on it, and the entry's GenerationID names the hold. An
// account that the chart does not know stops the projection: books with an unnamed account say nothing.
//
// Balances at any past position are exact and cost the same however long the history is: each entry states the balances after it, and
// what an account of the house, all wallets and all holds come to is kept for every 1024 positions that move them; the rest is at most
// that many entries. A time is the position of the last entry that was recorded at or before it.
package journal

import (
	"strings"

	"github.com/massrouter/massrouter/domain/money"
)

// Kind says which side of the books an account is on.
type Kind string

// The kinds of accounts.
const (
	Asset     Kind = "asset"
	Liability Kind = "liability"
	Revenue   Kind = "revenue"
	Expense   Kind = "expense"
)

// Side is the sign that an account's balance usually has.
type Side string

// The two sides: credits are positive.
const (
	Debit  Side = "debit"
	Credit Side = "credit"
)

// The accounts that stand for all wallets and for all holds in a trial balance.
const (
	Wallets money.Account = "wallet:*"
	Holds   money.Account = "hold:*"
)

// Class is a line of the chart of accounts.
type Class struct {
	Group  string // the account, or the pattern that its accounts have in common
	Kind   Kind
	Normal Side
}

// Chart is the chart of accounts, in the order in which books show it.
func Chart() []Class {
	return []Class{
		{"cash:*", Asset, Debit},
		{"wallet:*", Liability, Credit},
		{"hold:*", Liability, Credit},
		{"vendor:*:payable", Liability, Credit},
		{"revenue:usage", Revenue, Credit},
		{"cost:usage", Expense, Debit},
		{"promo", Expense, Debit},
		{"adjustment", Expense, Debit},
		{"uncollectible", Expense, Debit},
	}
}

// Classify finds an account in the chart. holds:<wallet id> and hold:<id> are of the same class.
func Classify(account money.Account) (Class, bool) {
	group := group(account)
	for _, class := range Chart() {
		if class.Group == group {
			return class, true
		}
	}
	return Class{}, false
}

func group(account money.Account) string {
	prefix, rest, many := strings.Cut(string(account), ":")
	switch {
	case !many || rest == "":
		return prefix
	case prefix == "cash" || prefix == "wallet" || prefix == "hold":
		return prefix + ":*"
	case prefix == "holds":
		return "hold:*"
	case prefix == "vendor" && strings.HasSuffix(rest, ":payable") && rest != ":payable":
		return "vendor:*:payable"
	}
	return string(account)
}
