package webhook

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
)

// Message is what a customer is told. Its JSON is documented in docs/webhooks.md and frozen in testdata: members may be
// added, never changed.
type Message struct {
	Type      Type      `json:"type"`
	Timestamp time.Time `json:"timestamp"` // when it was recorded; of a ping, when it was asked for
	Data      any       `json:"data"`
}

// encode is the body of the request.
func (m Message) encode() ([]byte, error) {
	m.Timestamp = m.Timestamp.UTC()
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", m.Type, err)
	}
	return body, nil
}

// Source is where in the log a message comes from; it is a part of every message's data but a ping's.
type Source struct {
	WalletID uuid.UUID `json:"wallet_id"`
	Shard    int16     `json:"shard"`
	Position int64     `json:"position,string"` // 64 bits are a string, as everywhere
}

// WalletOpened is the data of TypeWalletOpened.
type WalletOpened struct {
	Source
	Currency money.Currency `json:"currency"`
}

// Credit is the data of TypeCreditCreated.
type Credit struct {
	Source
	Kind      string         `json:"kind"`   // top_up, grant or adjustment
	Amount    money.Amount   `json:"amount"` // signed
	Currency  money.Currency `json:"currency"`
	Reason    string         `json:"reason"`
	Reference string         `json:"reference,omitempty"`
	Balance
}

// Charge is the data of TypeChargeCreated and TypeChargeCorrected.
type Charge struct {
	Source
	GenerationID string         `json:"generation_id"`
	KeyID        uuid.UUID      `json:"key_id"`
	Model        string         `json:"model"`
	Amount       money.Amount   `json:"amount"` // what was taken from the wallet; below zero when a correction gave it back
	Currency     money.Currency `json:"currency"`
	Balance
}

// Hold is the data of TypeHoldReleased and TypeHoldExpired.
type Hold struct {
	Source
	GenerationID string         `json:"generation_id"`
	KeyID        uuid.UUID      `json:"key_id"`
	Model        string         `json:"model,omitempty"` // of a release
	Amount       money.Amount   `json:"amount"`          // what was reserved, and is available again
	Currency     money.Currency `json:"currency"`
	Reason       string         `json:"reason,omitempty"` // of a release: a stable code
	Balance
}

// BalanceLow is the data of TypeBalanceLow.
type BalanceLow struct {
	Source
	Threshold money.Amount   `json:"threshold"`
	Currency  money.Currency `json:"currency"`
	Balance
}

// Balance is what the wallet has after the event.
type Balance struct {
	Balance   money.Amount `json:"balance"`   // held or not
	Available money.Amount `json:"available"` // less what calls that run have reserved
}

// Key is the data of the types that begin with key.
type Key struct {
	Source
	KeyID          uuid.UUID  `json:"key_id"`
	Name           string     `json:"name,omitempty"`             // of key.issued and key.updated
	Label          string     `json:"label,omitempty"`            // of key.issued and key.rotated: tells secrets apart
	ExpiresAt      *time.Time `json:"expires_at,omitempty"`       // of key.issued and key.updated
	OldSecretUntil *time.Time `json:"old_secret_until,omitempty"` // of key.rotated
	Reason         string     `json:"reason,omitempty"`           // of key.disabled and key.revoked
	AppID          *uuid.UUID `json:"app_id,omitempty"`           // of key.app_bound; missing when the key was freed
	Leaked         bool       `json:"leaked,omitempty"`           // of key.disabled: its secret was found in public
}

// Ping is the data of TypePing.
type Ping struct {
	WebhookID uuid.UUID `json:"webhook_id"`
}

// DeliveryID is the id of what a webhook is told of an event, and the header webhook-id of each attempt: the same
// whenever and however often it is made. Its first six bytes are the event's time, which keeps an index in order.
func DeliveryID(webhook uuid.UUID, shard int16, position int64, t Type, at time.Time) uuid.UUID {
	var base uuid.UUID
	milliseconds := uint64(at.UnixMilli())
	for i := range 6 {
		base[i] = byte(milliseconds >> (40 - 8*i)) //nolint:gosec // one byte of it
	}
	return domain.DeriveID(base, "webhook "+webhook.String()+" "+strconv.Itoa(int(shard))+" "+strconv.FormatInt(position, 10)+" "+string(t))
}
