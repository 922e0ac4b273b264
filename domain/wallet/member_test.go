package wallet_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// team is a wallet with much money, and members.
type team struct {
	*wallet.State
	now time.Time
	n   uint64
}

func newTeam() *team {
	t := &team{State: wallet.New(), now: time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)}
	t.Apply(wallet.Opened{WalletID: numbered(1), Currency: money.USD}, t.now)
	t.Apply(wallet.ToppedUp{Amount: dollars("1000000"), Currency: money.USD, Balances: wallet.Balances{Posted: dollars("1000000")}}, t.now)
	return t
}

func dollars(s string) money.Amount { return money.MustParse(s) }

func (t *team) place(key, member uuid.UUID, cost string) (uuid.UUID, error) {
	t.n++
	id := numbered(1000 + t.n)
	e, err := t.PlaceHold(wallet.PlaceHold{
		HoldID: id, KeyID: key, MemberID: member, Model: "m", Endpoint: "m@v", MaxCost: dollars(cost), Currency: money.USD, ExpiresAt: t.now.Add(time.Hour),
	}, t.now)
	if err == nil {
		t.Apply(e, t.now)
	}
	return id, err
}

func (t *team) settle(id uuid.UUID, cost string) error {
	e, err := t.SettleHold(wallet.SettleHold{
		HoldID: id, Vendor: "v", Provenance: usage.Reported, Usage: usage.Usage{usage.Request: 1},
		LineItems: []usage.LineItem{{Class: usage.Request, Quantity: 1, Price: money.MustPrice(cost), Amount: dollars(cost)}},
	}, t.now)
	if err == nil {
		t.Apply(e, t.now)
	}
	return err
}

func TestW18_TheKeysOfAMemberShareItsCaps(t *testing.T) {
	t.Parallel()
	w, member, other := newTeam(), numbered(50), numbered(51)
	day := dollars("10")
	limits, err := w.SetMemberLimits(wallet.SetMemberLimits{MemberID: member, Limits: wallet.MemberLimits{Caps: wallet.Caps{Day: &day}}})
	require.NoError(t, err)
	w.Apply(limits, w.now)

	first, err := w.place(numbered(2), member, "6")
	require.NoError(t, err)
	_, err = w.place(numbered(3), member, "5")
	var refusal *domain.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, domain.CodeKeyLimitExceeded, refusal.Code)
	require.Equal(t, map[string]string{"limit": "member_day", "required": "5", "available": "4", "reserved": "6", "currency": "USD"}, refusal.Details)
	_, err = w.place(numbered(4), other, "5000")
	require.NoError(t, err, "another member has caps of its own, or none")
	_, err = w.place(numbered(2), uuid.Nil, "5000")
	require.NoError(t, err, "a key without a member is bound by no member's caps")

	require.NoError(t, w.settle(first, "2"))
	_, err = w.place(numbered(3), member, "8.01")
	require.Equal(t, domain.CodeKeyLimitExceeded, domain.CodeOf(err))
	second, err := w.place(numbered(3), member, "8")
	require.NoError(t, err)
	w.now = w.now.Add(12 * time.Hour) // the next day: what is held still counts, what was spent does not
	_, err = w.place(numbered(2), member, "2.01")
	require.Equal(t, domain.CodeKeyLimitExceeded, domain.CodeOf(err))
	_, err = w.place(numbered(2), member, "2")
	require.NoError(t, err)
	require.NoError(t, w.settle(second, "8"), "a settlement counts for the member of the hold, on the day of the charge")
	require.Equal(t, dollars("8"), w.SpentByMember(member, w.now).Day)
	require.Equal(t, dollars("10"), w.SpentByMember(member, w.now).Total)
}

func TestW18_LimitsOfMembersAreChecked(t *testing.T) {
	t.Parallel()
	_, err := wallet.New().SetMemberLimits(wallet.SetMemberLimits{MemberID: numbered(2)})
	require.Equal(t, domain.CodeWalletNotFound, domain.CodeOf(err))
	_, err = wallet.New().SetRateLimits(wallet.SetRateLimits{})
	require.Equal(t, domain.CodeWalletNotFound, domain.CodeOf(err))
	w, below := newTeam(), dollars("-1")
	_, err = w.SetMemberLimits(wallet.SetMemberLimits{})
	require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
	_, err = w.SetMemberLimits(wallet.SetMemberLimits{MemberID: numbered(2), Limits: wallet.MemberLimits{Caps: wallet.Caps{Week: &below}}})
	require.Equal(t, domain.CodeAmountInvalid, domain.CodeOf(err))
	for _, bad := range []wallet.RateLimits{{RequestsPerMinute: -1}, {TokensPerMinute: wallet.MaxPerMinute + 1}, {Parallel: wallet.MaxParallel + 1}} {
		_, err = w.SetMemberLimits(wallet.SetMemberLimits{MemberID: numbered(2), Limits: wallet.MemberLimits{Rates: bad}})
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
		_, err = w.SetRateLimits(wallet.SetRateLimits{Rates: bad})
		require.Equal(t, domain.CodeInvalid, domain.CodeOf(err))
	}
	e, err := w.SetRateLimits(wallet.SetRateLimits{Rates: wallet.RateLimits{Parallel: 3}})
	require.NoError(t, err)
	before, err := json.Marshal(w.State)
	require.NoError(t, err)
	w.Apply(e, w.now)
	after, err := json.Marshal(w.State)
	require.NoError(t, err)
	require.JSONEq(t, string(before), string(after), "the gateway keeps them")
}

// TestW18_HoweverManyKeysAMemberNeverSpendsMoreThanItsCaps draws holds, settlements within them, releases and days of three keys of two
// members: in no window does a member's spend pass the cap, and it is what a plain sum over the calls says. The state survives its snapshot.
func TestW18_HoweverManyKeysAMemberNeverSpendsMoreThanItsCaps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		w := newTeam()
		members, caps := []uuid.UUID{numbered(50), numbered(51)}, map[uuid.UUID]int64{}
		for _, m := range members {
			caps[m] = rapid.Int64Range(0, 40).Draw(r, "cap")
			day := dollars(fmt.Sprint(caps[m]))
			e, err := w.SetMemberLimits(wallet.SetMemberLimits{MemberID: m, Limits: wallet.MemberLimits{Caps: wallet.Caps{Day: &day}}})
			require.NoError(r, err)
			w.Apply(e, w.now)
		}
		type call struct {
			member uuid.UUID
			held   int64
		}
		open, held, spent := map[uuid.UUID]call{}, map[uuid.UUID]int64{}, map[uuid.UUID]map[string]int64{members[0]: {}, members[1]: {}}
		var ids []uuid.UUID
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			day := w.now.Format(time.DateOnly)
			switch rapid.IntRange(0, 4).Draw(r, "step") {
			case 0, 1:
				m, cost := rapid.SampledFrom(members).Draw(r, "member"), rapid.Int64Range(0, 20).Draw(r, "cost")
				id, err := w.place(numbered(uint64(rapid.IntRange(2, 4).Draw(r, "key"))), m, fmt.Sprint(cost))
				require.Equal(r, held[m]+spent[m][day]+cost <= caps[m] || cost == 0, err == nil, "%v", err)
				if err == nil {
					open[id], ids, held[m] = call{m, cost}, append(ids, id), held[m]+cost
				}
			case 2, 3:
				if len(ids) == 0 {
					continue
				}
				id := ids[0]
				c := open[id]
				ids, held[c.member] = ids[1:], held[c.member]-c.held
				if rapid.Bool().Draw(r, "released") {
					e, err := w.ReleaseHold(wallet.ReleaseHold{HoldID: id, Reason: "upstream_error"})
					require.NoError(r, err)
					w.Apply(e, w.now)
					continue
				}
				cost := rapid.Int64Range(0, c.held).Draw(r, "charge")
				require.NoError(r, w.settle(id, fmt.Sprint(cost)))
				spent[c.member][day] += cost
			case 4:
				w.now = w.now.Add(time.Duration(rapid.IntRange(1, 20).Draw(r, "hours")) * time.Hour)
				if snapshot, err := json.Marshal(w.State); err == nil {
					w.State = wallet.New()
					require.NoError(r, json.Unmarshal(snapshot, w.State))
				}
			}
			day = w.now.Format(time.DateOnly)
			for _, m := range members {
				got := w.SpentByMember(m, w.now)
				require.Equal(r, big.NewRat(spent[m][day], 1), rat(r, got.Day))
				require.Equal(r, big.NewRat(held[m], 1), rat(r, got.Held))
				require.LessOrEqual(r, spent[m][day], caps[m])
			}
		}
	})
}
