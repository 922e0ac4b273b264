package audit

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/money"
)

// TestPlacesAreAccountsByName: a place is the account that has its name, and no other.
func TestPlacesAreAccountsByName(t *testing.T) {
	t.Parallel()
	id := rapid.Custom(func(t *rapid.T) (id [16]byte) {
		copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		return id
	})
	rapid.Check(t, func(t *rapid.T) {
		hold := id.Draw(t, "hold")
		text := uuid.UUID(hold).String()
		p := rapid.SampledFrom([]place{
			{hold: hold, isHold: true},
			{head: "wallet:", name: text},
			{head: "promo"},
			{head: "cash:", name: "psp"},
			{head: "cash:"},
			{head: "vendor:", name: "acme", tail: ":payable"},
			{head: "vendor:", tail: ":payable"},
		}).Draw(t, "place")
		require.True(t, p.is(money.Account(p.String())))
		name := []byte(p.String())
		switch rapid.IntRange(0, 2).Draw(t, "change") {
		case 0:
			name[rapid.IntRange(0, len(name)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		case 1:
			name = name[:rapid.IntRange(0, len(name)-1).Draw(t, "size")]
		default:
			name = append(name, rapid.Byte().Draw(t, "more"))
		}
		require.False(t, p.is(money.Account(name)), "%q", name)
		other := id.Draw(t, "other")
		require.Equal(t, other == hold, isHold("hold:"+money.Account(text), other))
	})
	require.True(t, isHold("hold:019ced0d-1a2b-7e33-b5c4-7d8e9f0a1b03", uuid.MustParse("019ced0d-1a2b-7e33-b5c4-7d8e9f0a1b03")))
	require.False(t, (&place{head: "vendor:", tail: ":payable"}).is("vendor:payable"))
}
