package rankings

import (
	"time"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/app"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/runner"
)

const (
	hourSeconds = 3600
	daySeconds  = 86400
)

// key is what a row of an hour is about.
type key struct {
	hour          int64 // its first second, since 1970
	wallet        uuid.UUID
	model, vendor string
	app           uuid.UUID
	url           string // only without an app
}

// sums are what counts of a row.
type sums struct {
	tokens, calls int64
	spend         money.Amount
}

// facts keep the rows of hours in the order in which they came.
type facts struct {
	byKey map[key]*sums
	order []key
}

// charge adds a call that somebody paid for. A charge that the wallet did not have is none, and neither is the fee of a call that the vendor
// bills the customer: what that costs is only said.
func (f *facts) charge(e *wallet.UsageCharged, walletID uuid.UUID, at time.Time) {
	s := counted(e.Bill(), e.Currency)
	if s.calls == 0 || e.Call.OwnKey != nil {
		return
	}
	k := key{floor(at.Unix(), hourSeconds), walletID, e.Model, e.Vendor, e.Call.AppID, ""}
	if k.app == uuid.Nil {
		k.url = e.Call.AppURL
	}
	f.add(k, s)
}

// correct adds what a correction makes of a call, in the hour in which it was made: a call that turns out to be paid for is counted, one
// that is not is taken off.
func (f *facts) correct(e *wallet.ChargeCorrected, walletID uuid.UUID, at time.Time) {
	before, after := counted(e.Before, e.Currency), counted(e.After, e.Currency)
	more := sums{tokens: after.tokens - before.tokens, calls: after.calls - before.calls, spend: after.spend.Sub(before.spend)}
	if before.calls == 0 && after.calls == 0 || e.OwnKey != nil {
		return
	}
	k := key{floor(at.Unix(), hourSeconds), walletID, e.Model, e.Vendor, e.AppID, ""}
	if k.app == uuid.Nil {
		k.url = e.AppURL
	}
	f.add(k, more)
}

// counted is what a call counts: nothing, unless somebody paid for it.
func counted(b wallet.Bill, currency money.Currency) sums {
	paid := b.Paid()
	if paid.Sign() <= 0 {
		return sums{}
	}
	s := sums{tokens: tokens(b.Usage), calls: 1}
	if currency == money.USD {
		s.spend = paid
	}
	return s
}

func (f *facts) add(k key, more sums) {
	s, ok := f.byKey[k]
	if !ok {
		if f.byKey == nil {
			f.byKey = map[key]*sums{}
		}
		s = &sums{}
		f.byKey[k], f.order = s, append(f.order, k)
	}
	s.tokens += more.tokens
	s.calls += more.calls
	s.spend = s.spend.Add(more.spend)
}

func tokens(u usage.Usage) int64 {
	return u.Prompt() + u.Completion()
}

// segment is the part of a batch that lies in one day.
type segment struct {
	day    int64 // its first second, since 1970
	begins bool  // the day, with its first event
	facts
}

// mark is the first event of an hour.
type mark struct{ hour, position int64 }

// payer is a wallet's first top-up in a batch.
type payer struct {
	wallet        uuid.UUID
	position, day int64
}

// batch is what a batch of events says.
type batch struct {
	at       time.Time // of the last event so far; zero before the first of the log
	segments []segment
	marks    []mark
	payers   []payer
	paid     map[uuid.UUID]struct{}
	apps     apps
}

// enter begins the hour and the day of an event, if they are other ones than those of the event before.
func (b *batch) enter(e *runner.Event) {
	hour, day := floor(e.RecordedAt.Unix(), hourSeconds), floor(e.RecordedAt.Unix(), daySeconds)
	first := b.at.IsZero()
	if first || floor(b.at.Unix(), hourSeconds) != hour {
		b.marks = append(b.marks, mark{hour, e.Position})
	}
	begins := first || floor(b.at.Unix(), daySeconds) != day
	if begins || len(b.segments) == 0 {
		b.segments = append(b.segments, segment{day: day, begins: begins})
	}
	b.at = e.RecordedAt
}

func (b *batch) fold(event wallet.Event, at *runner.Event) error {
	switch e := event.(type) {
	case wallet.UsageCharged:
		id, err := at.Entity()
		if err != nil {
			return err
		}
		b.segments[len(b.segments)-1].charge(&e, id, at.RecordedAt)
	case wallet.ChargeCorrected:
		id, err := at.Entity()
		if err != nil {
			return err
		}
		b.segments[len(b.segments)-1].correct(&e, id, at.RecordedAt)
	case wallet.ToppedUp:
		id, err := at.Entity()
		if err != nil {
			return err
		}
		if _, known := b.paid[id]; !known {
			if b.paid == nil {
				b.paid = map[uuid.UUID]struct{}{}
			}
			b.paid[id] = struct{}{}
			b.payers = append(b.payers, payer{id, at.Position, floor(at.RecordedAt.Unix(), daySeconds)})
		}
	case wallet.Opened, wallet.Granted, wallet.Adjusted, wallet.HoldPlaced, wallet.HoldExtended, wallet.HoldSuspected, wallet.HoldReleased,
		wallet.HoldExpired, wallet.PriceGroupSet, wallet.RateLimitsSet, wallet.ContentStorageSet, wallet.MemberLimitsSet:
	}
	return nil
}

// apps are the newest details of the apps of a batch.
type apps struct {
	byID  map[uuid.UUID]app.Details
	order []uuid.UUID
}

func (a *apps) fold(event app.Event) {
	switch e := event.(type) {
	case app.Registered:
		a.put(e.AppID, e.Details)
	case app.Updated:
		a.put(e.AppID, e.Details)
	case app.Archived: // what it did stays
	}
}

func (a *apps) put(id uuid.UUID, d app.Details) {
	if a.byID == nil {
		a.byID = map[uuid.UUID]app.Details{}
	}
	if _, known := a.byID[id]; !known {
		a.order = append(a.order, id)
	}
	a.byID[id] = d
}

// floor is the largest multiple of step that is not above n.
func floor(n, step int64) int64 {
	rest := n % step
	if rest < 0 {
		rest += step
	}
	return n - rest
}

func second(n int64) time.Time { return time.Unix(n, 0).UTC() }
