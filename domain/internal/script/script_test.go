package script_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/internal/script"
)

// TestScriptsCanFail: a script that is wrong or does not hold says where and why.
func TestScriptsCanFail(t *testing.T) {
	t.Parallel()
	const wallet = "given a wallet in USD with 10\n"
	const priced = wallet + "given a price P\n  input 0.1\n  output 0.2\n"
	for name, row := range map[string]struct{ text, want string }{
		"nothing":               {"", `a script without a line that begins with "then"`},
		"no check":              {wallet, `a script without a line that begins with "then"`},
		"unknown word":          {wallet + "and posted is 10", "line 2: a line begins with given"},
		"unknown sentence":      {wallet + "then posted was 10", "line 2: then posted was 10: no sentence has this form"},
		"indented beginning":    {"  input 1", "line 1: an indented line"},
		"useless table":         {wallet + "then posted is 10\n  a b", "line 2: then posted is 10: there is nothing to list"},
		"wrong balance":         {wallet + "then held is 1", "line 2: then held is 1: it is 0"},
		"given is refused":      {wallet + "given hold A of 11 is placed", "line 2: given hold A of 11 is placed: insufficient_credits"},
		"refusal at the end":    {wallet + "then posted is 10\nwhen hold A of 11 is placed", "the last step was refused: insufficient_credits"},
		"refusal not expected":  {wallet + "when hold A of 11 is placed\nthen posted is 10", "line 3: then posted is 10: the step before was refused"},
		"refusal passed over":   {wallet + "when hold A of 11 is placed\nwhen 1 hour passes", "line 3: when 1 hour passes: the step before was refused"},
		"other refusal":         {wallet + "when hold A of 11 is placed\nthen it is refused: hold_exists", "it is insufficient_credits"},
		"other detail":          {wallet + "when hold A of 11 is placed\nthen it is refused: insufficient_credits\n  required 12", `required is "11"`},
		"no refusal":            {wallet + "when hold A of 1 is placed\nthen it is refused: hold_exists", "the step before was accepted"},
		"time going back":       {wallet + "given the time is 2026-03-01 00:00", "time does not go back"},
		"no such key":           {wallet + "given hold A of 1 is placed with key bob", `no key is named "bob"`},
		"no such cap":           {"given a key bob\n  year 5", "a cap is day, week, month or total"},
		"negative cap":          {"given a key bob\n  day -5", "amount_invalid"},
		"no such hold":          {wallet + "then hold A is 1", "it is not open"},
		"hold in another state": {wallet + "given hold A of 1 is placed\nthen hold A is suspect", "it is open"},
		"nothing charged":       {wallet + "then the charge is 1", "nothing was charged yet"},
		"nothing charged late":  {wallet + "then the charge came late", "nothing was charged yet"},
		"nothing paid":          {wallet + "then the customer paid 1", "nothing was charged yet"},
		"rate without a price":  {wallet + "given a price P\n  input", `a rate is a class and a price, not "input"`},
		"unknown class":         {wallet + "given a price P\n  input 1\n  output 1\n  images 1", "unknown usage class"},
		"other price":           {priced + "given a price Q\n  input 1\n  output 1\nthen the price in force is P", "another one is"},
		"some price":            {priced + "then no price is in force", "is in force"},
		"other lines": {
			priced + "given call A asks for 1 prompt and 1 completion tokens\ngiven call A used 1 output\nthen the charge is 0.2\n  output 1 x 0.2 = 0.3",
			`line 1 is "output 1 x 0.2 = 0.2"`,
		},
		"missing lines": {
			priced + "given call A asks for 1 prompt and 1 completion tokens\ngiven call A used 1 output, 1 input\nthen the charge is 0.3\n  output 1 x 0.2 = 0.2",
			"it has 2 lines",
		},
		"usage in words": {priced + "given call A asks for 1 prompt and 1 completion tokens\ngiven call A used some input", "usage is given as"},
		"other account":  {wallet + "then account wallet is 9", "it is 10"},
		"other spend":    {wallet + "then key default has spent 1 today", "it is 0"},
		"other limit":    {wallet + "then key default may spend 10 more, limited by key_day", "it is wallet"},
		"other tokens":   {priced + "given call A asks for 1 prompt and up to 5 completion tokens\nthen call A may produce 4 tokens", "it is 5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, script.Run(row.text), row.want)
		})
	}
}

func TestTitle(t *testing.T) {
	t.Parallel()
	require.Equal(t, "What it shows.", script.Title("# What it shows.\nthen posted is 0"))
	require.Empty(t, script.Title("then posted is 0"))
}
