package gateway

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/gateway/journal"
)

// settlement is what ends a hold: a charge, or a release when there is a reason for one. It stands in the journal, and beside
// an answer that is kept, as JSON: read back it must give the very same command.
type settlement struct {
	HoldID     uuid.UUID        `json:"hold_id"`
	WalletID   uuid.UUID        `json:"wallet_id"`
	KeyID      uuid.UUID        `json:"key_id"`
	Endpoint   string           `json:"endpoint"`
	Tier       string           `json:"service_tier,omitempty"` // whose rates count
	Usage      usage.Usage      `json:"usage,omitempty"`
	Provenance usage.Provenance `json:"provenance,omitempty"`
	Release    string           `json:"release,omitempty"` // the reason of a release
	Call       wallet.Call      `json:"call"`
}

func (r *run) settlement(u usage.Usage, p usage.Provenance) settlement {
	return settlement{
		HoldID: r.hold.id, WalletID: r.hold.wallet, KeyID: r.hold.key, Endpoint: r.hold.endpoint,
		Usage: u, Provenance: p, Call: r.facts,
	}
}

func (s settlement) released(reason string) settlement {
	s.Usage, s.Provenance, s.Tier, s.Release = nil, "", "", reason
	return s
}

// borne is a release of a call that its vendor bills: the platform bears that. The customer is insured against calls that bring nothing.
func (s settlement) borne(reason string) settlement {
	s.Release, s.Provenance = reason, ""
	return s
}

// borneAt is the endpoint whose vendor bills a call that was released; "" when none does.
func (s *settlement) borneAt() string {
	if len(s.Usage) == 0 {
		return ""
	}
	return s.Endpoint
}

// commandID is the same whoever sends the settlement, and how often.
func (s *settlement) commandID() uuid.UUID {
	if s.Release != "" {
		return domain.DeriveID(s.HoldID, "release")
	}
	return domain.DeriveID(s.HoldID, "settle")
}

func (s *settlement) meta() commands.Meta {
	return commands.Meta{CommandID: s.commandID(), Actor: "key:" + s.KeyID.String(), CorrelationID: s.HoldID}
}

// send is one attempt.
func (g *Gateway) send(ctx context.Context, s *settlement) (commands.Charged, error) {
	ctx, cancel := context.WithTimeout(ctx, g.o.LedgerTimeout)
	defer cancel()
	if s.Release != "" {
		_, _, err := g.o.Ledger.ReleaseHold(ctx, s.meta(), commands.ReleaseHold{
			HoldID: s.HoldID, WalletID: s.WalletID, Reason: s.Release, Call: s.Call,
			Endpoint: s.borneAt(), ServiceTier: s.Tier, Usage: s.Usage,
		})
		return commands.Charged{}, err
	}
	charged, _, err := g.o.Ledger.SettleHold(ctx, s.meta(), commands.SettleHold{
		HoldID: s.HoldID, WalletID: s.WalletID, Endpoint: s.Endpoint, ServiceTier: s.Tier, Usage: s.Usage, Provenance: s.Provenance, Call: s.Call,
	})
	return charged, err
}

// absent says whether the ledger was not there at all.
func absent(err error) bool {
	code := domain.CodeOf(err)
	return code == domain.CodeUnavailable || code == domain.CodeOverloaded
}

// passing says whether an error of the ledger may go away by itself.
func passing(err error) bool { return absent(err) || domain.CodeOf(err) == domain.CodeInternal }

func (s *settlement) record() (journal.Record, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return journal.Record{}, fmt.Errorf("encode a settlement: %w", err)
	}
	return journal.Record{ID: s.commandID(), Body: body}, nil
}

func decodeSettlement(body []byte) (*settlement, error) {
	s := new(settlement)
	if err := json.Unmarshal(body, s); err != nil {
		return nil, fmt.Errorf("decode a settlement: %w", err)
	}
	return s, nil
}
