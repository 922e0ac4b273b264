package audit

import (
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/app"
)

// app folds an event of an app.
func (v *verifier) app(s *Step, stream *Stream, event app.Event) {
	a := stream.app
	if registered, ok := event.(app.Registered); ok {
		v.register(s, stream, registered)
		return
	}
	if a == nil {
		v.report1(s.Row, AppState, "a change of an app that was not registered")
		return
	}
	v.want(!a.Archived, s, AppState, "a change of an app that was archived")
	a.UpdatedAt, a.UpdatedPosition = s.Row.RecordedAt, s.Row.Position
	switch e := event.(type) {
	case app.Registered: // above
	case app.Updated:
		a.Details = e.Details
	case app.Archived:
		a.Archived, a.ArchivedReason = true, e.Reason
	}
}

func (v *verifier) register(s *Step, stream *Stream, e app.Registered) {
	if stream.app != nil {
		v.report1(s.Row, AppState, "the app was registered at position %d already", stream.app.RegisteredPosition)
		return
	}
	w, open := v.state.Wallets[e.WalletID]
	v.want(open && w.Owner == e.Owner, s, AppState, "registered for the wallet %s of %q, which is not open or another's", e.WalletID, e.Owner)
	a := &App{
		ID: e.AppID, Wallet: e.WalletID, Owner: e.Owner, Details: e.Details,
		RegisteredAt: s.Row.RecordedAt, RegisteredPosition: s.Row.Position, UpdatedAt: s.Row.RecordedAt, UpdatedPosition: s.Row.Position,
	}
	stream.app, v.state.Apps[a.ID] = a, a
}

// bind checks that a key's app is one of its wallet.
func (v *verifier) bind(s *Step, k *Key, id [16]byte) {
	v.want(k.App != id, s, AppState, "binds a key to what it is bound to")
	if a := v.state.Apps[id]; id != [16]byte{} {
		v.want(a != nil && a.Wallet == k.Wallet && !a.Archived, s, AppState, "binds a key to the app %s, which is not of its wallet or archived", name(id))
	}
	k.App = id
}

// appOf is the app that an event is about.
func appOf(event app.Event) domain.CommandID {
	switch e := event.(type) {
	case app.Registered:
		return e.AppID
	case app.Updated:
		return e.AppID
	case app.Archived:
		return e.AppID
	}
	return domain.CommandID{}
}
