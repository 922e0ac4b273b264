package commands_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// groupPrice publishes a price of a group per token of output.
func (b bundle) groupPrice(tb testing.TB, group, output string, from time.Time) uuid.UUID {
	tb.Helper()
	id := uuid.New()
	_, _, err := b.app.PublishPrice(tb.Context(), meta(), commands.PublishPrice{Endpoint: endpoint, PriceVersion: catalog.PriceVersion{
		ID: id, Currency: money.USD, Group: group, EffectiveFrom: from,
		Price: catalog.Schedule{Base: catalog.Rates{usage.Input: money.MustPrice("0"), usage.Output: money.MustPrice(output)}},
	}})
	require.NoError(tb, err)
	return id
}

func (b bundle) join(tb testing.TB, w uuid.UUID, group string) {
	tb.Helper()
	_, _, err := b.app.SetPriceGroup(tb.Context(), meta(), commands.SetPriceGroup{WalletID: w, Group: group})
	require.NoError(tb, err)
}

func TestACallIsHeldAndChargedAtThePriceOfItsGroup(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.publish(t, "0", "0.01", "0")
	w, k := b.customer(t, "100", apikey.Limits{})
	other, otherKey := b.customer(t, "100", apikey.Limits{})
	own := b.groupPrice(t, "partners", "0.009", time.Time{})
	b.join(t, w, "partners")

	h := hold(w, k, 10, 100)
	held, err := b.place(t.Context(), h)
	require.NoError(t, err)
	require.Equal(t, own, held.PriceVersion)
	requireAmount(t, "0.9", held.Amount)
	held, err = b.place(t.Context(), hold(other, otherKey, 10, 100))
	require.NoError(t, err)
	require.Equal(t, list, held.PriceVersion, "whoever is in no group pays the list's price")

	b.join(t, w, "") // the call goes on at what it was admitted at
	charged, err := b.settle(t.Context(), h, usage.Usage{usage.Output: 10})
	require.NoError(t, err)
	requireAmount(t, "0.09", charged.Charge)
	require.Equal(t, []string{"partners", "partners"}, b.groupsOf(t, w), "the hold and the charge say whose price it was")

	held, err = b.place(t.Context(), hold(w, k, 10, 100))
	require.NoError(t, err)
	require.Equal(t, list, held.PriceVersion)
	require.Equal(t, []string{"partners", "partners", ""}, b.groupsOf(t, w))
}

// groupsOf are the groups that the holds and charges of a wallet name, in the order of the log.
func (b bundle) groupsOf(t *testing.T, w uuid.UUID) (groups []string) {
	t.Helper()
	events, err := b.store.Read(t.Context(), 0, 1<<20)
	require.NoError(t, err)
	for _, row := range events {
		if row.StreamID != wallet.Stream(w) {
			continue
		}
		e, err := b.registry.Decode(row.Type, row.Body)
		require.NoError(t, err)
		switch e := e.(type) {
		case wallet.HoldPlaced:
			groups = append(groups, e.PriceGroup)
		case wallet.UsageCharged:
			groups = append(groups, e.PriceGroup)
		}
	}
	return groups
}

func TestAClampKnowsThePriceOfTheGroup(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.publish(t, "0", "1", "0")
	w, k := b.customer(t, "10", apikey.Limits{})
	b.groupPrice(t, "partners", "0.5", time.Time{})
	b.join(t, w, "partners")
	h := hold(w, k, 10, 1000)
	h.Clamp = true
	held, err := b.place(t.Context(), h)
	require.NoError(t, err)
	require.Equal(t, int64(20), held.CompletionTokens)
}

// TestEveryCallIsPricedAsItsGroupWasThen draws changes of groups and prices between calls: each hold pins the version that a search through
// what was published finds, and is charged at it whenever it is settled.
func TestEveryCallIsPricedAsItsGroupWasThen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		b := setup(t)
		b.publish(t, "0", "0.010", "0")
		w, k := b.customer(t, "100000", apikey.Limits{})
		type published struct {
			group, output string
			from          time.Time
		}
		all, group := []published{{"", "0.01", b.clock.read()}}, ""
		type call struct {
			h      commands.PlaceHold
			output string
		}
		var open []call
		for range rapid.IntRange(1, 15).Draw(r, "steps") {
			b.clock.step(time.Duration(rapid.IntRange(0, 90).Draw(r, "minutes")) * time.Minute)
			switch rapid.IntRange(0, 3).Draw(r, "step") {
			case 0:
				next := rapid.SampledFrom([]string{"", "a", "b"}).Draw(r, "group")
				if next != group {
					b.join(t, w, next)
					group = next
				}
			case 1:
				p := published{
					rapid.SampledFrom([]string{"", "a", "b"}).Draw(r, "whose"),
					money.MustPrice("0.001").Times(rapid.Int64Range(1, 99).Draw(r, "rate")).String(),
					b.clock.read().Add(time.Duration(rapid.IntRange(0, 2).Draw(r, "hours")) * time.Hour),
				}
				b.groupPrice(t, p.group, p.output, p.from)
				all = append(all, p)
			case 2:
				want, whose := "", map[string]*published{}
				for i, p := range all {
					if best := whose[p.group]; !p.from.After(b.clock.read()) && (best == nil || !p.from.Before(best.from)) {
						whose[p.group] = &all[i]
					}
				}
				if want = whose[""].output; whose[group] != nil {
					want = whose[group].output
				}
				h := hold(w, k, 10, 1000)
				h.TTL = 23 * time.Hour
				held, err := b.place(t.Context(), h)
				require.NoError(r, err)
				requireAmount(t, money.MustPrice(want).Times(1000).String(), held.Amount)
				open = append(open, call{h, want})
			case 3:
				for _, c := range open {
					charged, err := b.settle(t.Context(), c.h, usage.Usage{usage.Output: 7})
					require.NoError(r, err)
					requireAmount(t, money.MustPrice(c.output).Times(7).String(), charged.Charge)
				}
				open = nil
			}
		}
	})
}

func TestAPriceGroupOfAWallet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w, _ := b.customer(t, "1", apikey.Limits{})
	_, _, err := b.app.SetPriceGroup(t.Context(), meta(), commands.SetPriceGroup{WalletID: uuid.New(), Group: "partners"})
	requireCode(t, domain.CodeWalletNotFound, err)
	_, _, err = b.app.SetPriceGroup(t.Context(), meta(), commands.SetPriceGroup{WalletID: w, Group: "Partners"})
	requireCode(t, domain.CodeInvalid, err)
	m := meta()
	_, first, err := b.app.SetPriceGroup(t.Context(), m, commands.SetPriceGroup{WalletID: w, Group: "partners"})
	require.NoError(t, err)
	_, again, err := b.app.SetPriceGroup(t.Context(), m, commands.SetPriceGroup{WalletID: w, Group: "partners"})
	require.NoError(t, err)
	require.Equal(t, first.Position, again.Position)
	require.True(t, again.Replayed)
	_, _, err = b.app.SetPriceGroup(t.Context(), meta(), commands.SetPriceGroup{WalletID: w, Group: "partners"})
	requireCode(t, domain.CodeConflict, err)
}
