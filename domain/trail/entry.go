package trail

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

const (
	maxState  = 8 << 10 // bytes of before, and of after
	maxReason = 500     // bytes
	maxName   = 300     // bytes of an actor, an action, a target
	maxClient = 300     // bytes of an address, a user agent
)

// Entry is what is kept: two JSON texts, as they are hashed. Personal can be erased; "" says that there is nothing personal.
type Entry struct {
	Body     []byte
	Personal []byte
}

// Body is what an entry's body has. It is frozen as events are: members may be added, with omitempty or omitzero.
type Body struct {
	Actor        string          `json:"actor"`
	Role         string          `json:"role,omitempty"`
	Person       uuid.UUID       `json:"person,omitzero"`
	Action       string          `json:"action"`
	Target       string          `json:"target,omitempty"`
	Result       Result          `json:"result"`
	Code         string          `json:"code,omitempty"`
	Reason       string          `json:"reason,omitempty"`
	Wallet       uuid.UUID       `json:"wallet_id,omitzero"`
	Organisation uuid.UUID       `json:"organisation_id,omitzero"`
	Session      uuid.UUID       `json:"session_id,omitzero"`
	Request      uuid.UUID       `json:"request_id,omitzero"`
	Command      uuid.UUID       `json:"command_id,omitzero"`
	Position     int64           `json:"position,omitempty,string"`
	Events       []string        `json:"events,omitempty"`
	Before       json.RawMessage `json:"before,omitempty"`
	After        json.RawMessage `json:"after,omitempty"`
}

// Personal is what can be erased.
type Personal struct {
	Address   string            `json:"address,omitempty"`
	UserAgent string            `json:"user_agent,omitempty"`
	Values    map[string]string `json:"values,omitempty"`
}

// Make makes the entry of a change by somebody. An error means that Before or After is no JSON.
func Make(who Who, c Change) (Entry, error) {
	before, err := state(c.Before)
	if err != nil {
		return Entry{}, fmt.Errorf("encode what was before: %w", err)
	}
	after, err := state(c.After)
	if err != nil {
		return Entry{}, fmt.Errorf("encode what is after: %w", err)
	}
	reason := first(c.Reason, who.Reason)
	if who.Actor == "" {
		reason = c.Reason // what a stranger says of himself is no reason
	}
	actor, person := first(c.Actor, who.Actor, "anonymous"), firstID(c.Person, who.Person)
	if person == uuid.Nil {
		person = personOf(actor)
	}
	body, err := json.Marshal(Body{
		Actor: cut(actor, maxName), Role: cut(who.Role, maxName), Person: person,
		Action: cut(first(c.Action, who.Operation, "unnamed"), maxName), Target: cut(first(c.Target, who.Target), maxName),
		Result: first(c.Result, Done), Code: cut(c.Code, maxName), Reason: masked(cut(reason, maxReason)),
		Wallet: firstID(c.Wallet, who.Wallet), Organisation: firstID(c.Organisation, who.Organisation), Session: who.Session, Request: who.Request,
		Command: c.Command, Position: c.Position, Events: c.Events, Before: before, After: after,
	})
	if err != nil {
		return Entry{}, fmt.Errorf("encode an entry: %w", err)
	}
	e := Entry{Body: body}
	values := c.Personal
	if person == uuid.Nil {
		values = nil // with nobody to be erased with they would stay for ever
	}
	if who.Address == "" && who.UserAgent == "" && len(values) == 0 {
		return e, nil
	}
	p := Personal{Address: cut(who.Address, maxClient), UserAgent: cut(who.UserAgent, maxClient)}
	for name, value := range values {
		if p.Values == nil {
			p.Values = make(map[string]string, len(values))
		}
		if secret(name) {
			value = Redacted
		}
		p.Values[cut(name, maxName)] = cut(value, maxReason)
	}
	if e.Personal, err = json.Marshal(p); err != nil {
		return Entry{}, fmt.Errorf("encode what is personal: %w", err)
	}
	return e, nil
}

// state is a state without what no entry shows.
func state(v any) (json.RawMessage, error) {
	if v == nil {
		return nil, nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if text, err = Redact(text); err != nil {
		return nil, err
	}
	if len(text) > maxState {
		return json.Marshal(map[string]int{"omitted_bytes": len(text)})
	}
	return text, nil
}

func first[T ~string](values ...T) T {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// personOf is the person that an actor is, with whom the personal part of the entry goes; the nil UUID for a program.
func personOf(actor string) uuid.UUID {
	id, is := strings.CutPrefix(actor, "user:")
	if !is {
		return uuid.Nil
	}
	person, _ := uuid.Parse(id) // what is no UUID is nobody
	return person
}

func firstID(a, b uuid.UUID) uuid.UUID {
	if a != uuid.Nil {
		return a
	}
	return b
}

// cut is at most so many bytes of a text, as the database can keep it: UTF-8 without a zero.
func cut(s string, most int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
