package domain_test

import (
	"sort"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/wallet"
)

func TestANameIsRegisteredOnce(t *testing.T) {
	t.Parallel()
	_, err := domain.NewRegistry(wallet.Events(), apikey.Events(), wallet.Events())
	require.ErrorContains(t, err, "registered twice")
}

func TestSpecsAreOrdered(t *testing.T) {
	t.Parallel()
	specs := everything(t).Specs()
	require.Len(t, specs, 31)
	require.True(t, sort.SliceIsSorted(specs, func(i, j int) bool { return specs[i].Type < specs[j].Type }))
}

func TestDecodeRefusesWhatItDoesNotUnderstandWhole(t *testing.T) {
	t.Parallel()
	const id = `"018f3a5e-0000-7000-8000-000000000001"`
	for name, row := range map[string]struct {
		event, body string
		fine        bool
	}{
		"plain":           {"wallet.hold_suspected.v1", `{"hold_id":` + id + `}`, true},
		"space around":    {"wallet.hold_suspected.v1", `{ "hold_id" : ` + id + " }\n", true},
		"unknown name":    {"wallet.hold_suspected.v2", `{"hold_id":` + id + `}`, false},
		"no name":         {"", `{}`, false},
		"unknown field":   {"wallet.hold_suspected.v1", `{"hold_id":` + id + `,"more":1}`, false},
		"unknown nested":  {"wallet.hold_released.v1", `{"call":{"more":1}}`, false},
		"two objects":     {"wallet.hold_suspected.v1", `{"hold_id":` + id + `}{}`, false},
		"trailing byte":   {"wallet.hold_suspected.v1", `{"hold_id":` + id + `}x`, false},
		"null":            {"wallet.hold_suspected.v1", `null`, false},
		"array":           {"wallet.hold_suspected.v1", `[]`, false},
		"empty":           {"wallet.hold_suspected.v1", ``, false},
		"cut off":         {"wallet.hold_suspected.v1", `{"hold_id":` + id, false},
		"number as money": {"wallet.hold_expired.v1", `{"amount":1.5}`, false},
		"13 decimals":     {"wallet.hold_expired.v1", `{"amount":"0.0000000000001"}`, false},
		"float as count":  {"wallet.hold_placed.v1", `{"prompt_tokens":1.5}`, false},
	} {
		e, err := everything(t).Decode(row.event, []byte(row.body))
		require.Equal(t, row.fine, err == nil, "%s: %v", name, err)
		require.Equal(t, row.fine, e != nil, name)
	}
}

func TestEncodeRefusesWhatCannotBeReadAgain(t *testing.T) {
	t.Parallel()
	huge := money.MustParse("999999999999999999").Add(money.MustParse("1"))
	for _, e := range []domain.Event{
		wallet.ToppedUp{Amount: huge}, wallet.HoldPlaced{Amount: huge}, wallet.UsageCharged{Charge: huge}, wallet.HoldReleased{Amount: huge},
	} {
		_, err := domain.Encode(e)
		require.Error(t, err, e.EventType())
	}
}
