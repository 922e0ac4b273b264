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

// note writes the entry of a request that is new, before it has its effect. input is what the request is known by: what is done, and what with.
func note(ctx context.Context, tx pgx.Tx, q Request, webhook uuid.UUID, input []any) error {
	c := trail.Change{Target: trail.Of("webhook", webhook), Personal: map[string]string{}}
	if trail.From(ctx) == nil { // no operation of the document: the service itself
		c.Actor, c.Action = q.Actor, "webhook."+nameOf(input)
	}
	var before state
	err := tx.QueryRow(ctx, `SELECT wallet_id, name, host, event_types, balance_threshold::text, disabled_reason <> '' FROM webhooks.webhooks WHERE id = $1`, webhook).
		Scan(&c.Wallet, &before.Name, &before.Host, &before.EventTypes, &before.BalanceThreshold, &before.Disabled)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	known := err == nil
	if action := nameOf(input); known && (action == "update" || action == "delete") {
		c.Before = before
		c.Personal["name_before"], c.Personal["host_before"] = before.Name, before.Host
	}
	for _, part := range input {
		switch part := part.(type) {
		case Settings:
			host, err := Policy{AllowHTTP: true}.checkURL(part.URL)
			if err != nil {
				host = "" // it was checked by the policy that counts
			}
			c.Personal["name"], c.Personal["host"] = part.Name, host
			c.After = state{Name: part.Name, Host: host, EventTypes: names(part.EventTypes), BalanceThreshold: threshold(&part), Disabled: part.Disabled}
		case uuid.UUID:
			if !known {
				c.Wallet = part // of one that is registered
			}
		}
	}
	return auditlog.Record(ctx, tx, c)
}

func nameOf(input []any) string {
	name, _ := input[0].(string)
	return name
}
