package journal_test

import (
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/journal"
	pt "github.com/massrouter/massrouter/projections/projectiontest"
)

// world makes random events by the domain's own decisions on some wallets, and asks the journal now and then.
type world struct {
	*rapid.T
	tell    func(format string, args ...any)
	kit     *pt.Kit
	query   *journal.Query
	wallets []*wallet.State
	holds   []uuid.UUID
	owner   map[uuid.UUID]*wallet.State // by hold
	seen    []seen
	start   int64 // before its first event
	next    func() uuid.UUID
}

func newWorld(t *rapid.T, kit *pt.Kit, next func() uuid.UUID, tell func(string, ...any)) *world {
	w := &world{T: t, tell: tell, kit: kit, query: journal.NewQuery(kit.Pool), owner: map[uuid.UUID]*wallet.State{}, next: next}
	w.start = kit.Head(t.Context(), t)
	for _, currency := range []money.Currency{money.USD, "CNY"} {
		s := wallet.New()
		opened, err := s.Open(wallet.Open{WalletID: next(), Owner: "o", Currency: currency})
		require.NoError(t, err)
		w.wallets = append(w.wallets, s)
		w.accept(s, opened, nil, opened.WalletID)
	}
	w.topUp()
	return w
}

// Errorf also says at once what failed: the log goes on from one history to the next, so that none can be had again.
func (w *world) Errorf(format string, args ...any) {
	w.tell(format, args...)
	w.T.Errorf(format, args...)
}

func (w *world) steps() []func() {
	return []func(){
		w.topUp, w.grant, w.adjust, w.place, w.place, w.place, w.place, w.settle, w.settle, w.settle, w.release, w.expire, w.expire,
		w.expire, w.pass, w.pass, w.observe,
	}
}

// accept appends what the wallet decided; a refusal is as good.
func (w *world) accept(s *wallet.State, e wallet.Event, err error, id uuid.UUID) {
	if err != nil {
		return
	}
	w.kit.Append(w.Context(), w, pt.Wallet(id, e))
	s.Apply(e, w.kit.Now)
}

func (w *world) wallet() *wallet.State { return rapid.SampledFrom(w.wallets).Draw(w.T, "wallet") }

func (w *world) amount() money.Amount {
	return money.MustParse(rapid.OneOf(rapid.StringMatching(`[0-9](\.[0-9]{1,3})?`), rapid.StringMatching(`0\.[0-9]{10,12}`)).Draw(w.T, "amount"))
}

func (w *world) topUp() {
	s := w.wallet()
	psp := rapid.SampledFrom([]string{"operator", "stripe"}).Draw(w.T, "psp")
	e, err := s.TopUp(wallet.TopUp{Amount: w.amount(), Currency: s.Currency, PSP: psp, Reason: "r", Reference: "ref"})
	w.accept(s, e, err, s.ID)
}

func (w *world) grant() {
	s := w.wallet()
	e, err := s.Grant(wallet.Grant{Amount: w.amount(), Currency: s.Currency, Reason: "g"})
	w.accept(s, e, err, s.ID)
}

func (w *world) adjust() {
	s, amount := w.wallet(), w.amount()
	if rapid.Bool().Draw(w.T, "negative") {
		amount = amount.Neg()
	}
	e, err := s.Adjust(wallet.Adjust{Amount: amount, Currency: s.Currency, Reason: "a"})
	w.accept(s, e, err, s.ID)
}

func (w *world) place() {
	s, id := w.wallet(), w.next()
	e, err := s.PlaceHold(wallet.PlaceHold{
		HoldID: id, KeyID: pt.ID(1), Model: "acme/one", Endpoint: "acme/one@north", PriceVersion: pt.ID(900), PromptTokens: 10, CompletionTokens: 20,
		MaxCost: w.amount(), Currency: s.Currency, ExpiresAt: w.kit.Now.Add(time.Duration(rapid.IntRange(1, 60).Draw(w.T, "minutes")) * time.Minute),
	}, w.kit.Now)
	if err == nil {
		w.holds, w.owner[id] = append(w.holds, id), s
	}
	w.accept(s, e, err, s.ID)
}

// hold is one that was placed at some time, mostly a recent one, with its wallet.
func (w *world) hold() (uuid.UUID, *wallet.State) {
	if len(w.holds) == 0 {
		return uuid.Nil, w.wallets[0]
	}
	id := w.holds[max(0, len(w.holds)-1-rapid.IntRange(0, 6).Draw(w.T, "hold"))]
	return id, w.owner[id]
}

func (w *world) settle() {
	id, s := w.hold()
	rate := money.MustPrice(rapid.StringMatching(`0\.[0-9]{1,12}`).Draw(w.T, "rate"))
	used := usage.Usage{usage.Output: rapid.Int64Range(0, 12).Draw(w.T, "tokens")}
	schedule := catalog.Schedule{Base: catalog.Rates{usage.Output: rate}}
	e, err := s.SettleHold(wallet.SettleHold{
		HoldID: id, Vendor: rapid.SampledFrom([]string{"north", "south"}).Draw(w.T, "vendor"), Usage: used, Provenance: usage.Reported,
		LineItems: schedule.LineItems(used, w.kit.Now), VendorCost: w.amount(), Call: wallet.Call{FinishReason: "stop"},
	}, w.kit.Now)
	w.accept(s, e, err, s.ID)
}

func (w *world) release() {
	id, s := w.hold()
	e, err := s.ReleaseHold(wallet.ReleaseHold{HoldID: id, Reason: "nothing_produced"})
	w.accept(s, e, err, s.ID)
}

func (w *world) expire() {
	s := w.wallet()
	if due := s.Due(w.kit.Now, 1); len(due) > 0 {
		e, err := s.ExpireHold(due[0], w.kit.Now)
		w.accept(s, e, err, s.ID)
	}
}

func (w *world) pass() {
	step := rapid.OneOf(rapid.Int64Range(0, int64(time.Minute)), rapid.Int64Range(0, int64(3*time.Hour)), rapid.Int64Range(0, int64(40*24*time.Hour)))
	w.kit.Now = w.kit.Now.Add(time.Duration(step.Draw(w.T, "time")).Truncate(time.Microsecond))
}
