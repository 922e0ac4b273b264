package column

import (
	"encoding/binary"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/massrouter/massrouter/domain/money"
)

// Lists are columns whose values are arrays themselves. There is no array of those, so they can only be copied.

// list begins a value of so many elements, and returns where it begins.
func (a *array) list(elementOID uint32, n int) (start int) {
	a.element(0)
	start = len(a.b)
	a.b = append(a.b, make([]byte, headSize)...)
	putHead(a.b[start:], elementOID, n, false)
	return start
}

// end sets the length of a value that began there.
func (a *array) end(start int) {
	binary.BigEndian.PutUint32(a.b[start-4:], uint32(len(a.b)-start)) //nolint:gosec // far below 4 GiB
}

// TextLists is a column of text[].
type TextLists struct{ array }

// Add appends a list, or NULL when it is empty.
func (c *TextLists) Add(list []string) {
	if len(list) == 0 {
		c.none()
		return
	}
	start := c.list(pgtype.TextOID, len(list))
	for _, s := range list {
		c.b = binary.BigEndian.AppendUint32(c.b, uint32(len(s))) //nolint:gosec // far below 4 GiB
		c.b = append(c.b, s...)
	}
	c.end(start)
}

// AmountLists is a column of numeric[].
type AmountLists struct{ array }

// Add appends a list, or NULL when it is empty.
func (c *AmountLists) Add(list []money.Amount) {
	if len(list) == 0 {
		c.none()
		return
	}
	start := c.list(pgtype.NumericOID, len(list))
	for _, a := range list {
		c.amount(a)
	}
	c.end(start)
}
