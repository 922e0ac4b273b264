package commands

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/trail"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/eventstore"
)

// quiet commands are those of calls and of their upkeep: their events are the record, unless a request of people sends them.
func quiet(name string) bool {
	switch name {
	case "place_hold", "extend_hold", "settle_hold", "release_hold", "expire_hold", "correct_charge":
		return true
	default:
		return false
	}
}

// noteOf is what makes the entry of a command in the audit trail; nil for one that leaves none. The events are what was changed, and those before
// them in their streams what was there before, so the entry names them and repeats nothing.
func noteOf(ctx context.Context, m Meta, name string, c any) func([]eventstore.Event, int64) (eventstore.Note, error) {
	scope := trail.From(ctx)
	if scope == nil && quiet(name) {
		return nil
	}
	who := scope.Who()
	if who.Actor == "" {
		who.Actor = m.Actor
	}
	if who.Request == uuid.Nil {
		who.Request = m.CorrelationID
	}
	if who.Operation == "" {
		who.Operation = name
	}
	return func(events []eventstore.Event, position int64) (eventstore.Note, error) {
		change := trail.Change{Command: m.CommandID, Position: position, Result: trail.Unchanged, Reason: reasonOf(c)}
		for i := range events {
			e := &events[i]
			if change.Target == "" {
				change.Target = target(e.StreamID)
			}
			if e.StreamID.Kind() == wallet.Kind && change.Wallet == uuid.Nil {
				change.Wallet, _ = uuid.Parse(e.StreamID.Identity()) // what is no UUID names no wallet
			}
			change.Result = trail.Done
			if !slices.Contains(change.Events, e.Type) {
				change.Events = append(change.Events, e.Type)
			}
		}
		entry, err := trail.Make(who, change)
		return eventstore.Note(entry), err
	}
}

// reasonOf is the reason that a command has itself.
func reasonOf(c any) string {
	text, err := json.Marshal(c)
	if err != nil {
		return ""
	}
	var of struct {
		Reason string `json:"reason"`
	}
	if json.Unmarshal(text, &of) != nil { // a reason of another kind is none
		return ""
	}
	return of.Reason
}

// target names a stream as entries name things, which is as paths of the console do: "apikey-0198…" is "key:0198…".
func target(id domain.StreamID) string {
	kind := id.Kind()
	if kind == apikey.Kind {
		kind = "key"
	}
	return kind + ":" + id.Identity()
}
