package stream

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/http/openapi"
	"github.com/massrouter/massrouter/projections/live"
)

// The names of events. A reset comes at the beginning, and instead of what was missed when that is too much.
const (
	kindBalance = "balance"
	kindCharge  = "charge"
	kindLag     = "lag"
	kindReset   = "reset"
)

type balanceMessage struct {
	WalletID  uuid.UUID      `json:"wallet_id"`
	Position  openapi.Count  `json:"position"`
	Currency  money.Currency `json:"currency"`
	Posted    money.Amount   `json:"posted"`
	Held      money.Amount   `json:"held"`
	Available money.Amount   `json:"available"`
}

type chargeMessage struct {
	WalletID      uuid.UUID      `json:"wallet_id"`
	Position      openapi.Count  `json:"position"`
	RecordedAt    time.Time      `json:"recorded_at"`
	Amount        money.Amount   `json:"amount"`
	Currency      money.Currency `json:"currency"`
	BalanceBefore money.Amount   `json:"balance_before"`
	BalanceAfter  money.Amount   `json:"balance_after"`
	GenerationID  string         `json:"generation_id"`
	KeyID         uuid.UUID      `json:"key_id"`
	Model         string         `json:"model"`
}

type lagMessage struct {
	Position    openapi.Count `json:"position"`
	LogPosition openapi.Count `json:"log_position"`
	Lag         openapi.Count `json:"lag"`
	Models      []modelLag    `json:"models"`
}

type modelLag struct {
	Name     string        `json:"name"`
	Version  int           `json:"version"`
	Position openapi.Count `json:"position"`
	Lag      openapi.Count `json:"lag"`
}

// The reasons of a reset.
const (
	reasonStarted = "started"
	reasonBehind  = "behind"
)

type resetMessage struct {
	Reason   string           `json:"reason"`
	Position openapi.Count    `json:"position"`
	Wallets  []balanceMessage `json:"wallets"`
}

func balanceOf(b *live.Balance) balanceMessage {
	return balanceMessage{
		WalletID: b.WalletID, Position: openapi.Count(b.Position), Currency: b.Currency, Posted: b.Posted, Held: b.Held, Available: b.Available,
	}
}

func chargeOf(c *live.Charge) chargeMessage {
	return chargeMessage{
		WalletID: c.WalletID, Position: openapi.Count(c.Position), RecordedAt: c.RecordedAt, Amount: c.Amount, Currency: c.Currency,
		BalanceBefore: c.Before, BalanceAfter: c.After, GenerationID: domain.GenerationID(c.GenerationID), KeyID: c.KeyID, Model: c.Model,
	}
}

func lagOf(s *live.State) lagMessage {
	m := lagMessage{
		Position: openapi.Count(s.Reached), LogPosition: openapi.Count(s.Head), Lag: openapi.Count(s.Head - s.Reached),
		Models: make([]modelLag, len(s.Models)),
	}
	for i, one := range s.Models {
		m.Models[i] = modelLag{one.Name, one.Version, openapi.Count(one.Position), openapi.Count(s.Head - one.Position)}
	}
	return m
}

// update is one event, encoded once for everybody who gets it.
type update struct {
	kind     string
	wallet   uuid.UUID // the nil UUID of a lag
	position int64     // of the event of the log; how far the read models are, of a lag
	paired   bool      // a charge of the same position comes after it
	frame    []byte    // begins with the line of the id
	bare     int       // where that line ends
}

func encode(kind string, wallet uuid.UUID, position int64, message any) (update, error) {
	data, err := json.Marshal(message)
	if err != nil {
		return update{}, fmt.Errorf("encode the event %s: %w", kind, err)
	}
	var b bytes.Buffer
	b.WriteString("id: " + strconv.FormatInt(position, 10) + "\n")
	u := update{kind: kind, wallet: wallet, position: position, bare: b.Len()}
	b.WriteString("event: " + kind + "\ndata: ")
	b.Write(data)
	b.WriteString("\n\n")
	u.frame = b.Bytes()
	return u, nil
}

// unnamed is the event without an id: a client that resumes does so from the id before.
func (u *update) unnamed() []byte { return u.frame[u.bare:] }

// comment keeps what is between client and server from taking a silent stream for a dead one.
func comment() []byte { return []byte(":\n\n") }
