package column

import (
	"encoding/binary"

	"github.com/jackc/pgx/v5/pgtype"
)

// Numerics is a numeric[] of numbers that are no amounts and not negative.
type Numerics struct{ array }

// Add appends the sum of digits, each below 10,000: the first times 10,000 to the power of weight, the others one power less each.
// So many decimals are shown; what lies beyond them is cut off.
func (c *Numerics) Add(weight, decimals int, digits []uint16) {
	c.element(numericHead + 2*len(digits))
	for _, n := range [...]int{len(digits), weight, 0, decimals} {
		c.b = binary.BigEndian.AppendUint16(c.b, uint16(n)) //nolint:gosec // two's complement is the format, and some thousands at most
	}
	for _, d := range digits {
		c.b = binary.BigEndian.AppendUint16(c.b, d)
	}
}

// Binary implements Array.
func (c *Numerics) Binary() []byte { return c.binary(pgtype.NumericOID) }
