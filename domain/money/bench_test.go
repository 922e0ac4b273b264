package money_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/money"
)

// operations are what deciding, encoding and decoding one call do with money, each on figures of a usual call.
func operations(tb testing.TB) []operation {
	tb.Helper()
	balance, charge, price := money.MustParse("104387.250129625"), money.MustParse("0.004256875"), money.MustPrice("0.00000125")
	long := money.MustParse("123456789012345678.123456789012")
	text, longText := []byte(`"0.004256875"`), []byte(`"123456789012345678.123456789012"`)
	buffer := make([]byte, 0, 64)
	appendJSON := func(a money.Amount) func() {
		return func() {
			b, err := a.AppendJSON(buffer)
			if err != nil || len(b) == 0 {
				tb.Fatal(err)
			}
		}
	}
	readJSON := func(text []byte) func() {
		return func() {
			var a money.Amount
			if _, ok := a.ReadJSON(text); !ok {
				tb.Fatal("not read")
			}
		}
	}
	kept := new(struct { // results, so that no operation is optimised away
		amount money.Amount
		number int64
	})
	return []operation{
		{"Add", func() { kept.amount = balance.Add(charge) }},
		{"Sub", func() { kept.amount = balance.Sub(charge) }},
		{"Neg", func() { kept.amount = balance.Neg() }},
		{"Cmp", func() { kept.number = int64(balance.Cmp(charge)) }},
		{"Times", func() { kept.amount = price.Times(4096) }},
		{"Units", func() { kept.number, _ = price.Units(balance) }},
		{"AppendJSON", appendJSON(charge)},
		{"AppendJSON_long", appendJSON(long)},
		{"ReadJSON", readJSON(text)},
		{"ReadJSON_long", readJSON(longText)},
	}
}

type operation struct {
	name string
	run  func()
}

func BenchmarkMoney(b *testing.B) {
	for _, o := range operations(b) {
		b.Run(o.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				o.run()
			}
		})
	}
}

func TestNothingIsAllocated(t *testing.T) { //nolint:paralleltest // allocations are counted for the whole process
	for _, o := range operations(t) {
		require.Zero(t, testing.AllocsPerRun(100, o.run), o.name)
	}
}
