package webhook

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/identity/auditlog"
)

// state is what the audit trail shows of a webhook. Addresses have secrets in them, so only the host is shown.
type state struct {
	Name             string   `json:"-"` // personal
	Host             string   `json:"-"` // the same
	EventTypes       []string `json:"event_types"`
	BalanceThreshold *string  `json:"balance_threshold"`
	Disabled         bool     `json:"disabled"`
}

// note writes the entry of a change before it has its effect. wallet is whose the webhook will be, of one that is not there yet; s is what it is changed
// to, if anything.
func note(ctx context.Context, tx pgx.Tx, q Request, action string, webhook, wallet uuid.UUID, s *Settings) error {
	c := trail.Change{Target: trail.Of("webhook", webhook), Wallet: wallet, Personal: map[string]string{}}
	if trail.From(ctx) == nil { // no operation of the document: the service itself
		c.Actor, c.Action = q.Actor, "webhook."+action
	}
	var before state
	err := tx.QueryRow(ctx, `SELECT wallet_id, name, host, event_types, balance_threshold::text, disabled_reason <> '' FROM webhooks.webhooks WHERE id = $1`, webhook).
		Scan(&c.Wallet, &before.Name, &before.Host, &before.EventTypes, &before.BalanceThreshold, &before.Disabled)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if err == nil && (action == "update" || action == "delete") {
		c.Before = before
		c.Personal["name_before"], c.Personal["host_before"] = before.Name, before.Host
	}
	if err == nil && action == "stop" {
		c.Before = before
		before.Disabled = true
		c.After = before
	}
	if s != nil {
		host, err := Policy{AllowHTTP: true}.checkURL(s.URL)
		if err != nil {
			host = "" // it was checked by the policy that counts
		}
		c.Personal["name"], c.Personal["host"] = s.Name, host
		c.After = state{Name: s.Name, Host: host, EventTypes: names(s.EventTypes), BalanceThreshold: threshold(s), Disabled: s.Disabled}
	}
	return auditlog.Record(ctx, tx, c)
}
