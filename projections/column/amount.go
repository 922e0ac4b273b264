package column

import (
	"fmt"

	"github.com/massrouter/massrouter/domain/money"
)

// Amount reads a numeric column, selected as text, into an amount. NULL and anything that money.Parse refuses is an
// error: nothing is rounded.
func Amount(to *money.Amount) *AmountScanner { return &AmountScanner{to: to} }

// AmountScanner is the scan target that Amount makes.
type AmountScanner struct{ to *money.Amount }

// Scan implements sql.Scanner.
func (s *AmountScanner) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("scan amount: the column is %T, not text", src)
	}
	amount, err := money.Parse(text)
	if err != nil {
		return fmt.Errorf("scan amount: %w", err)
	}
	*s.to = amount
	return nil
}
