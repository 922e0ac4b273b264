package gateway

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

// hold is what the call may spend. Where that comes from, a hold of its own or a share of a larger grant, is known in this
// file only.
type hold struct {
	commands.Held
	id, wallet, key uuid.UUID
	endpoint        string
	extra           usage.Usage    // that it was made for
	tier            string         // the service tier that was asked for
	own             *wallet.OwnKey // the customer's at the vendor; nil for the platform's
	placed          bool
	extensions      int
}

func (h *hold) meta(command uuid.UUID) commands.Meta {
	return commands.Meta{CommandID: command, Actor: "key:" + h.key.String(), CorrelationID: h.id}
}

func (r *run) newHold() *hold {
	return &hold{id: r.id, wallet: r.call.WalletID, key: r.call.KeyID, endpoint: r.route.endpoint.ID, own: r.ownKey()}
}

// place reserves the most that the call can cost. When the ledger's answer is lost, a hold that was placed nevertheless is
// taken back or, failing that, expires.
func (h *hold) place(ctx context.Context, r *run, b bounds) error {
	limited, cancel := context.WithTimeout(ctx, r.g.o.LedgerTimeout)
	defer cancel()
	h.extra, h.tier = b.extra, b.tier
	held, _, err := r.g.o.Ledger.PlaceHold(limited, h.meta(h.id), commands.PlaceHold{
		HoldID: h.id, WalletID: h.wallet, KeyID: h.key, Model: r.route.model.ID, Endpoint: h.endpoint,
		PromptTokens: b.prompt, CompletionTokens: b.output * r.req.Choices, Choices: r.req.Choices, Clamp: r.call.Clamp && r.req.Operation.Generates(),
		Extra: b.extra, ServiceTier: b.tier, OwnKey: h.own,
		TTL: r.g.o.holdTTL(),
	})
	switch {
	case err == nil:
		h.Held, h.placed = held, true
	case domain.CodeOf(err) == domain.CodeUnavailable:
		// It may be placed after all: take it back, without anybody waiting for that.
		r.g.takeBack(ctx, r.settlement(nil, "").released("admission_unknown"))
	}
	return err
}

// extend renews the hold of a call that still runs.
func (h *hold) extend(ctx context.Context, g *Gateway) error {
	h.extensions++
	id := domain.DeriveID(h.id, "extend:"+strconv.Itoa(h.extensions))
	_, _, err := g.o.Ledger.ExtendHold(ctx, h.meta(id), commands.ExtendHold{HoldID: h.id, WalletID: h.wallet, TTL: g.o.holdTTL()})
	return err
}
