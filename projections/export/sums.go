package export

import (
	"fmt"
	"slices"
	"strings"

	"github.com/massrouter/massrouter/domain/money"
)

// group is a set of accounts in one currency.
type group struct {
	name     string
	currency money.Currency
}

// sums adds legs up by group of accounts.
type sums map[group]money.Amount

func (s sums) add(currency money.Currency, entry money.Entry) {
	for i := range entry {
		at := group{groupOf(entry[i].Account), currency}
		s[at] = s[at].Add(entry[i].Amount)
	}
}

// groupOf is an account without the identity of whose it is.
func groupOf(account money.Account) string {
	head, rest, _ := strings.Cut(string(account), ":")
	switch head {
	case "wallet", "hold", "cash":
		return head
	case "vendor":
		if strings.HasSuffix(rest, ":payable") {
			return "vendor:payable"
		}
	}
	return string(account)
}

// listed are the sums by group, and those by currency.
func (s sums) listed() (byGroup, totals []Sum) {
	total := sums{}
	for at, amount := range s {
		all := group{"", at.currency}
		total[all] = total[all].Add(amount)
	}
	return s.sorted(), total.sorted()
}

func (s sums) sorted() []Sum {
	out := make([]Sum, 0, len(s))
	for at, amount := range s {
		out = append(out, Sum{Group: at.name, Currency: string(at.currency), Amount: amount.String()})
	}
	slices.SortFunc(out, func(a, b Sum) int {
		return strings.Compare(a.Currency+"\x00"+a.Group, b.Currency+"\x00"+b.Group)
	})
	return out
}

// sumsFrom are listed sums as they were.
func sumsFrom(listed []Sum) (sums, error) {
	s := sums{}
	for _, one := range listed {
		amount, err := money.Parse(one.Amount)
		if err != nil {
			return nil, fmt.Errorf("read the sum of %s: %w", one.Group, err)
		}
		s[group{one.Group, money.Currency(one.Currency)}] = amount
	}
	return s, nil
}
