package routing

import (
	"slices"
	"time"

	"github.com/massrouter/massrouter/domain/money"
)

// Limits bound the attempts of a call. Zero values take the defaults named here.
type Limits struct {
	Attempts int           // 3
	Time     time.Duration // in which an attempt may begin, from NewAttempts on; 5 m
	Cost     Limit         // of attempts that failed, together; none
	Pause    time.Duration // a longer one that a vendor asks for is not waited for; 2 s
	Backoff  time.Duration // the first pause of our own; 100 ms
	Most     time.Duration // the longest of our own; 2 s
}

func (l *Limits) setDefaults() {
	set(&l.Attempts, 3)
	set(&l.Time, 5*time.Minute)
	set(&l.Pause, 2*time.Second)
	set(&l.Backoff, 100*time.Millisecond)
	set(&l.Most, 2*time.Second)
}

// How long a credential is set aside.
const (
	refusedFor = 10 * time.Minute
	// longestAside bounds what a vendor asks for: one large request must not keep others away for ever.
	longestAside = time.Minute
)

// Gate is what is asked before an attempt, and told after. See Health.
type Gate interface {
	Begin(endpoint string, now time.Time) (*Trial, bool)
	Pick(credentials []string, endpoint string, c Conversation, except func(string) bool, now time.Time) (credential string, ok bool)
	SetAside(credential, endpoint string, until, now time.Time)
}

// Step is the next attempt: wait for the pause, then call the endpoint with the credential.
type Step struct {
	Option     *Option
	Credential string
	Pause      time.Duration
}

// Attempts is the way of one call through its plan: Next, the attempt, Ended, Next, and so on. FirstToken is told of a stream. Each
// attempt has to be ended. It belongs to one goroutine.
//
//	for {
//		step, stop := a.Next(now())
//		if stop != routing.GoOn { … }
//		// wait for step.Pause, call, relay; a.FirstToken(now()) when the stream begins
//		a.Ended(outcome, now())
//	}
type Attempts struct {
	plan     *Plan
	limits   Limits
	gate     Gate
	random   Random
	deadline time.Time
	states   []state // of the plan's options
	visits   map[string]int
	tries    []Try
	spent    money.Amount
	last     Result
	stop     Stop

	trial   *Trial // of the attempt under way
	current int
	waited  bool // the attempt is one that was paused for
	begins  time.Time
	calls   int
}

// state is what became of an option.
type state struct {
	out   bool      // not to be tried any more
	last  Result    // "" before the first attempt
	until time.Time // the vendor asked to wait for; the zero time if it is not busy
	busy  string    // the credential that until is about
	// withheld: it is a limit of ours that keeps that credential back.
	withheld bool
	used     []string // credentials
}

// NewAttempts begins a call now.
func NewAttempts(p *Plan, l Limits, gate Gate, random Random, now time.Time) *Attempts {
	l.setDefaults()
	return &Attempts{
		plan: p, limits: l, gate: gate, random: random, deadline: now.Add(l.Time), states: make([]state, len(p.Options)),
		visits: make(map[string]int),
	}
}

// Next says what is to be done, or why nothing is.
func (a *Attempts) Next(now time.Time) (Step, Stop) {
	if a.trial != nil {
		panic("routing: an attempt was not ended")
	}
	switch {
	case a.stop != GoOn:
	case a.calls >= a.limits.Attempts:
		a.stop = StopAttempts
	case a.limits.Cost.Set && a.limits.Cost.Amount.LessThan(a.spent):
		a.stop = StopCost
	default:
		for _, keys := range []int{2, maxAside} {
			for i := range a.states {
				if step, ok := a.fresh(i, keys, now); ok || a.stop != GoOn {
					return step, a.stop
				}
			}
		}
		return a.again(now)
	}
	return Step{}, a.stop
}

// fresh tries an option that was not tried yet, or one whose last credential was at fault with another one, up to a number of them: two, before
// other endpoints have their turn, so that an account whose credentials are all at their limit does not use all attempts up.
func (a *Attempts) fresh(i, keys int, now time.Time) (Step, bool) {
	s, o := &a.states[i], &a.plan.Options[i]
	if s.out || len(s.used) >= keys || len(s.used) > 0 && !s.last.ofKey() {
		return Step{}, false
	}
	credential, ok := a.gate.Pick(o.Credentials, o.Endpoint, a.plan.Conversation, func(c string) bool { return slices.Contains(s.used, c) }, now)
	if !ok {
		if len(s.used) == 0 {
			a.skip(i, CredentialsBlocked)
		} else if s.until.IsZero() {
			s.out = true
		}
		return Step{}, false
	}
	var pause time.Duration
	if n := a.visits[o.Vendor]; n > 0 && len(s.used) == 0 {
		pause = backoff(a.limits.Backoff, a.limits.Most, n, a.random)
	}
	a.waited = false
	return a.begin(i, credential, pause, now)
}

// again tries what is only busy after the shortest pause that is asked for, or, if allowed, the only endpoint that there is.
func (a *Attempts) again(now time.Time) (Step, Stop) {
	best := -1
	for i := range a.states {
		if s := &a.states[i]; !s.out && !s.until.IsZero() && (best < 0 || s.until.Before(a.states[best].until)) {
			best = i
		}
	}
	if best < 0 {
		if a.stop = StopExhausted; a.last == Rejected {
			a.stop = StopRejected
		}
		return Step{}, a.stop
	}
	s, o := &a.states[best], &a.plan.Options[best]
	wait := max(s.until.Sub(now), 0)
	if wait > a.limits.Pause {
		a.stop = StopWait
		return Step{}, a.stop
	}
	pause := max(wait, backoff(a.limits.Backoff, a.limits.Most, a.visits[o.Vendor], a.random))
	a.waited = true
	if step, ok := a.begin(best, s.busy, pause, now); ok || a.stop != GoOn {
		return step, a.stop
	}
	return a.again(now)
}

// begin begins an attempt, unless there is no time for it, or its circuit is open.
func (a *Attempts) begin(i int, credential string, pause time.Duration, now time.Time) (Step, bool) {
	o := &a.plan.Options[i]
	begins := now.Add(pause)
	if !begins.Before(a.deadline) {
		a.stop = StopTime
		return Step{}, false
	}
	trial, ok := a.gate.Begin(o.Endpoint, begins)
	if !ok {
		a.skip(i, CircuitOpen)
		return Step{}, false
	}
	a.trial, a.current, a.begins = trial, i, begins
	a.calls++
	a.visits[o.Vendor]++
	a.states[i].used = append(a.states[i].used, credential)
	try := a.try(i)
	try.Credential, try.PauseMS = credential, pause.Milliseconds()
	a.tries = append(a.tries, try)
	return Step{Option: o, Credential: credential, Pause: pause}, true
}

func (a *Attempts) try(i int) Try {
	o := &a.plan.Options[i]
	return Try{Endpoint: o.Endpoint, Model: o.Model, Provider: o.Provider}
}

// skip takes an option out that cannot be called after all.
func (a *Attempts) skip(i int, why Reason) {
	a.states[i].out = true
	try := a.try(i)
	try.Skipped = why
	a.tries = append(a.tries, try)
}

// FirstToken notes that the stream of the attempt began.
func (a *Attempts) FirstToken(now time.Time) {
	if a.trial != nil {
		a.trial.FirstToken(now)
	}
}

// Ended notes how the attempt ended: only the first call after a Next counts, so that it can be deferred as GaveUp.
func (a *Attempts) Ended(o Outcome, now time.Time) {
	if a.trial == nil {
		return
	}
	a.trial.End(o.Result.verdict(), o.Tokens, now)
	a.trial, a.last = nil, o.Result
	try := &a.tries[len(a.tries)-1]
	try.Result, try.TookMS = o.Result, max(now.Sub(a.begins), 0).Milliseconds()
	if o.Result != Answered {
		a.spent = a.spent.Add(o.Cost)
	}
	if o.Withheld {
		a.withheld()
	} else {
		a.setAside(try.Credential, &o, now)
	}
	s := &a.states[a.current]
	s.last = o.Result
	s.wait(&o, try.Credential, now)
	switch {
	case o.Result == Answered:
		a.stop = StopAnswered
	case o.FirstByte:
		a.stop = StopFirstByte
	case o.Result == GaveUp:
		a.stop = StopGaveUp
	case o.Result == Rejected:
		a.blockModel(a.plan.Options[a.current].Model)
	case o.Result == Declined:
		s.out = true
	case o.Result == Failed:
		s.out = true
		if o.Untouched && len(a.states) == 1 {
			s.out, s.until, s.busy = false, now, try.Credential
		}
	}
}

// wait notes until when an endpoint is busy. What its vendor says last counts; of credentials that we hold back ourselves, and those at the
// vendor's limit beside them, the one that is free first.
func (s *state) wait(o *Outcome, credential string, now time.Time) {
	until := now.Add(o.Wait)
	either := o.Withheld || s.withheld && o.Result == RateLimited
	switch {
	case !o.Result.busy():
		s.until = time.Time{}
	case !either, s.until.IsZero(), s.busy == credential, until.Before(s.until):
		s.until, s.busy, s.withheld = until, credential, o.Withheld
	}
}

// withheld takes back an attempt for which the vendor was not called. One that was paused for counts: they have to come to an end.
func (a *Attempts) withheld() {
	if !a.waited {
		a.calls--
		a.visits[a.plan.Options[a.current].Vendor]--
	}
}

// blockModel takes all endpoints of a model out: they would say the same of the request. Another model may take it.
func (a *Attempts) blockModel(model string) {
	for i := range a.states {
		if a.plan.Options[i].Model == model {
			a.states[i].out = true
		}
	}
}

// setAside keeps other calls from a credential that does not work now.
func (a *Attempts) setAside(credential string, o *Outcome, now time.Time) {
	if credential == "" {
		return
	}
	here := a.plan.Options[a.current].Endpoint
	switch o.Result {
	case RateLimited:
		a.gate.SetAside(credential, here, now.Add(min(o.Wait, longestAside)), now)
	case KeyNotAllowed:
		a.gate.SetAside(credential, here, now.Add(refusedFor), now)
	case QuotaExhausted, KeyRefused:
		a.gate.SetAside(credential, "", now.Add(refusedFor), now)
	default:
	}
}

// RetryAfter is the shortest pause that a vendor asked for and that has not passed; 0 for none. It is for the error of a call that nobody
// answered.
func (a *Attempts) RetryAfter(now time.Time) time.Duration {
	var least time.Duration
	for i := range a.states {
		if wait := a.states[i].until.Sub(now); wait > 0 && (least == 0 || wait < least) {
			least = wait
		}
	}
	return least
}

// Calls is how many attempts were begun, but for those that were withheld.
func (a *Attempts) Calls() int { return a.calls }

// Spent is what vendors may bill for attempts that failed.
func (a *Attempts) Spent() money.Amount { return a.spent }

// Explanation is that of the plan, with what was done.
func (a *Attempts) Explanation() Explanation {
	e := a.plan.Explanation
	e.Tried = slices.Clone(a.tries)
	return e
}
