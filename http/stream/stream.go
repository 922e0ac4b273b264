package stream

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/auth"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/http/problem"
	"github.com/massrouter/massrouter/http/request"
	"github.com/massrouter/massrouter/http/sse"
	"github.com/massrouter/massrouter/projections/live"
)

const (
	lastEventID  = "Last-Event-ID"
	walletParam  = "wallet_id"
	kindParam    = "kind"
	maxWallets   = 100
	beginTime    = 10 * time.Second // for what a client missed
	partingTime  = time.Second      // for the last bytes of a stream that ends well
	cacheControl = "no-store, no-transform"
)

// ServeHTTP answers GET /console/v1/stream. auth.Guard runs before it.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, since, resumes, err := parse(r)
	if err != nil {
		problem.Write(w, r, err)
		return
	}
	begin, cancel := context.WithTimeout(r.Context(), beginTime)
	defer cancel()
	s, state, err := h.subscribe(begin, f, since, auth.From(r.Context()), auth.WatcherOf(r.Context()))
	if err != nil {
		problem.Write(w, r, err)
		return
	}
	defer h.leave(s)
	first, shown, err := h.first(begin, s, &state, since, resumes)
	cancel()
	if err != nil {
		problem.Write(w, r, err)
		return
	}
	out := sse.NewWriter(w, h.o.Patience)
	s.opened(func(slow bool) {
		if slow {
			out.Expire(time.Now())
			return
		}
		out.Expire(time.Now().Add(partingTime))
	})
	out.Open(cacheControl)
	h.pass(r.Context(), s, out, first, shown)
}

// pass writes what the hub queues until the client goes, the hub lets it go, or it does not read.
func (h *Hub) pass(ctx context.Context, s *subscription, out *sse.Writer, next []byte, shown int64) {
	for {
		out.Hurry()
		if s.isEnded() || out.Send(next) != nil { // asked after the deadline was set: who ends a stream sets one after that
			return
		}
		next = nil
		for len(next) == 0 {
			select {
			case <-ctx.Done():
				return
			case <-s.wake:
			}
			queue, last, ping, ended := s.take()
			if last != nil && !ended {
				out.Expire(time.Now().Add(partingTime))
				_ = out.Send(last) // whether it is read or not, this is the end
			}
			if ended || last != nil {
				return
			}
			next = s.join(queue, shown)
			if ping && len(next) == 0 {
				next = comment()
			}
		}
	}
}

// join is what a client is sent of a queue. Balances that are older than the one it was shown at the beginning are left out.
func (s *subscription) join(queue []*update, shown int64) []byte {
	var out []byte
	for _, u := range queue {
		switch {
		case u.kind == kindBalance && u.position <= shown:
		case u.kind == kindBalance && u.paired && s.wants(kindCharge), u.position < s.floor: // the latter a lag of a slower process
			out = append(out, u.unnamed()...)
		default:
			out = append(out, u.frame...)
		}
	}
	return out
}

// first is what a stream begins with: the balances that have changed and the charges that were missed, or a reset. shown is the
// position that the balances are of.
func (h *Hub) first(ctx context.Context, s *subscription, state *live.State, since int64, resumes bool) (out []byte, shown int64, err error) {
	ids := s.ids()
	var balances []live.Balance
	if len(ids) > 0 {
		if balances, shown, err = h.source.Balances(ctx, ids, s.floor); err != nil {
			return nil, 0, err
		}
	}
	reason := reasonStarted
	if resumes {
		missed, whole, err := h.missed(ctx, s, ids, since)
		if err != nil {
			return nil, 0, err
		}
		if whole {
			out, err = resumed(s, missed, balances, since)
			return h.withLag(s, state, out, shown, err)
		}
		reason = reasonBehind
	}
	reset := resetMessage{Reason: reason, Position: openapi.Count(s.floor), Wallets: make([]balanceMessage, len(balances))}
	for i := range balances {
		reset.Wallets[i] = balanceOf(&balances[i])
	}
	u, err := encode(kindReset, uuid.Nil, s.floor, reset)
	return h.withLag(s, state, u.frame, shown, err)
}

// withLag adds where the read models are now, for who wants to know.
func (h *Hub) withLag(s *subscription, state *live.State, out []byte, shown int64, err error) ([]byte, int64, error) {
	if err != nil || !s.wants(kindLag) {
		return out, shown, err
	}
	u, err := encode(kindLag, uuid.Nil, state.Reached, lagOf(state))
	return append(out, u.unnamed()...), shown, err
}

// missed are the charges since a position; whole is false when they are too many.
func (h *Hub) missed(ctx context.Context, s *subscription, ids []uuid.UUID, since int64) (missed []live.Charge, whole bool, err error) {
	if !s.wants(kindCharge) || since >= s.floor {
		return nil, true, nil
	}
	missed, err = h.source.Charges(ctx, ids, since, s.floor, h.o.MaxMissed+1)
	return missed, len(missed) <= h.o.MaxMissed, err
}

// resumed is what a client that comes back is sent. The balances have no id, and come first: the id of a charge says that everything
// up to it was sent.
func resumed(s *subscription, missed []live.Charge, balances []live.Balance, since int64) ([]byte, error) {
	out := comment() // also when nothing was missed, the answer begins now
	for i := range balances {
		if balances[i].Position <= since || !s.wants(kindBalance) {
			continue
		}
		u, err := encode(kindBalance, balances[i].WalletID, balances[i].Position, balanceOf(&balances[i]))
		if err != nil {
			return nil, err
		}
		out = append(out, u.unnamed()...)
	}
	for i := range missed {
		u, err := encode(kindCharge, missed[i].WalletID, missed[i].Position, chargeOf(&missed[i]))
		if err != nil {
			return nil, err
		}
		out = append(out, u.frame...)
	}
	return out, nil
}

// parse reads what a client asks for.
func parse(r *http.Request) (f filter, since int64, resumes bool, err error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return f, 0, false, domain.Errorf(domain.CodeInvalid, "the query string is malformed").Wrap(err)
	}
	for name := range values {
		if name != walletParam && name != kindParam {
			return f, 0, false, wrong(request.Shorten(name), "there is a query parameter that this operation does not have")
		}
	}
	if f.kinds, err = parseKinds(values[kindParam]); err != nil {
		return f, 0, false, err
	}
	if f.wants(kindLag) {
		if err := auth.Authorize(auth.From(r.Context()), auth.OperationsRead); err != nil {
			return f, 0, false, err
		}
	}
	if f.wallets, err = parseWallets(values[walletParam]); err != nil {
		return f, 0, false, err
	}
	if len(f.wallets) == 0 && (f.wants(kindBalance) || f.wants(kindCharge)) {
		return f, 0, false, wrong(walletParam, "wallet_id is needed for balances and charges")
	}
	since, resumes, err = parseSince(r.Header.Values(lastEventID))
	return f, since, resumes, err
}

func parseKinds(given []string) (map[string]struct{}, error) {
	kinds := map[string]struct{}{}
	for _, kind := range given {
		if kind != kindBalance && kind != kindCharge && kind != kindLag {
			return nil, wrong(kindParam, "kind is one of balance, charge, lag")
		}
		kinds[kind] = struct{}{}
	}
	if len(given) == 0 {
		kinds[kindBalance], kinds[kindCharge] = struct{}{}, struct{}{}
	}
	return kinds, nil
}

func parseWallets(given []string) (map[uuid.UUID]struct{}, error) {
	if len(given) > maxWallets {
		return nil, wrong(walletParam, "wallet_id is given at most "+strconv.Itoa(maxWallets)+" times")
	}
	wallets := make(map[uuid.UUID]struct{}, len(given))
	for _, text := range given {
		id, err := uuid.Parse(text)
		if err != nil || len(text) != len(id.String()) {
			return nil, wrong(walletParam, "wallet_id is malformed")
		}
		wallets[id] = struct{}{}
	}
	return wallets, nil
}

// parseSince reads the position that a client has. An empty header is one that no event has set yet.
func parseSince(given []string) (since int64, resumes bool, err error) {
	if len(given) == 0 || (len(given) == 1 && given[0] == "") {
		return 0, false, nil
	}
	var position openapi.Count
	if len(given) > 1 || position.UnmarshalText([]byte(given[0])) != nil {
		return 0, false, wrong(lastEventID, "Last-Event-ID is the id of an event: a position")
	}
	return int64(position), true, nil
}

func wrong(parameter, message string) error {
	return domain.Errorf(domain.CodeInvalid, "%s", message).With("parameter", parameter)
}
