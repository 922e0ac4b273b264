package limit

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
)

//go:embed take.lua
var takeScript string

//go:embed done.lua
var doneScript string

//go:embed renew.lua
var renewScript string

const (
	prefix       = "massrouter:limit:"
	processesKey = prefix + "processes"
	// mostTokens bounds a call's tokens, so that all sums stay exact.
	mostTokens = int64(1e10)
	// parallelRetry is when to come again, in ms, when too many calls are under way: nobody knows when one ends.
	parallelRetry = 1000
	// idleConns are open ahead: a call's budget has no time for making one.
	idleConns = 4
)

// Options of a Limiter. Zero values take the defaults named here.
type Options struct {
	// Redis counts for all processes. nil: each process has its share. The client makes no retries of its own (MaxRetries -1: a
	// lost answer would be counted twice) and heeds contexts (ContextTimeoutEnabled); see Client. It is the caller's to close.
	Redis redis.UniversalClient
	// Processes that share the limits, as long as Redis has not told; 1.
	Processes int64
	Budget    time.Duration // how long a call may wait for its turn, and then for Redis; 20 ms
	Lease     time.Duration // of a call under way and of a process, renewed three times in it; 30 s
	Retry     time.Duration // between two looks at whether Redis is back; 250 ms
	Logger    zerolog.Logger
	OnTake    func(Taken) // of each call that has limits; many at a time
	Now       func() time.Time
}

// Taken is a decision, for metrics.
type Taken struct {
	Scope string // the kind of the scope that refused; "" when the call was let through
	By    By     // the limit that refused
	Local bool   // this process decided by itself
	Took  time.Duration
}

// State is how a Limiter does, for metrics.
type State struct {
	Local     bool  // Redis is away: decisions are made by shares
	Processes int64 // that live, as far as is known
	Leases    int   // calls under way of this process that count as parallel
	Lost      int64 // corrections that could not be sent, ever
}

// Limiter lets calls through within limits. It is safe for concurrent use.
type Limiter struct {
	o       Options
	redis   redis.UniversalClient
	take    *redis.Script
	done    *redis.Script
	renewal *redis.Script

	process   string
	begun     time.Time
	counter   atomic.Uint64 // of leases
	processes atomic.Int64
	link      link
	line      line
	local     local
	leases    leases
	queue     chan correction
	lost      atomic.Int64
}

func set[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

// New makes a Limiter. Run it, or leases end while their calls run.
func New(o Options) (*Limiter, error) {
	set(&o.Processes, 1)
	set(&o.Budget, 20*time.Millisecond)
	set(&o.Lease, 30*time.Second)
	set(&o.Retry, 250*time.Millisecond)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.OnTake == nil {
		o.OnTake = func(Taken) {}
	}
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, fmt.Errorf("draw the name of this process: %w", err)
	}
	l := &Limiter{
		o: o, redis: o.Redis, process: hex.EncodeToString(random[:]), begun: time.Now(),
		take: redis.NewScript(takeScript), done: redis.NewScript(doneScript), renewal: redis.NewScript(renewScript),
		local:  local{cells: make(map[string]*cell)},
		leases: leases{held: make(map[*Grant]struct{})},
		queue:  make(chan correction, queued),
	}
	l.processes.Store(o.Processes)
	return l, nil
}

// Client makes a client for a Limiter: no retries, and contexts bound each command.
func Client(url string) (*redis.Client, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("this is no Redis address") // the cause may quote the password
	}
	options.ContextTimeoutEnabled, options.MaxRetries = true, -1
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = patience, patience, patience
	options.MinIdleConns = idleConns
	return redis.NewClient(options), nil
}

// now is this process' own clock in ms: it never goes back.
func (l *Limiter) now() int64 { return time.Since(l.begun).Milliseconds() + 1 }

// Take lets a call through that may use so many tokens, or says which of the limits of its scopes does not let it: then nothing was
// taken from any. The error is a *domain.Error with code rate_limited; its details are the Detail constants, its cause a *Refusal. A
// call that was let through must be Done. It waits for Redis no longer than two budgets, whatever ctx says.
//
// All scopes of a call have to be different.
func (l *Limiter) Take(ctx context.Context, tokens int64, scopes ...Scope) (*Grant, error) {
	g := l.prepare(tokens, scopes)
	if g == nil {
		return nil, nil //nolint:nilnil // a call without limits has nothing to end
	}
	begun := time.Now()
	refusal, err := l.decide(ctx, g)
	if err != nil {
		g.local = true
		refusal = l.local.take(g.scopes, g.tokens, l.processes.Load(), l.now())
	}
	told := Taken{Local: g.local, Took: time.Since(begun)}
	if refusal != nil {
		told.Scope, told.By = refusal.Scope.Kind, refusal.By
		l.o.OnTake(told)
		return nil, refused(refusal, g.tokens, l.o.Now())
	}
	l.o.OnTake(told)
	if g.lease != "" {
		l.leases.hold(g)
	}
	return g, nil
}

// Share lets a request through within this process's share of the scopes' requests a minute, and asks nobody: it is for floods, of which
// Redis should not hear. The error is that of Take.
func (l *Limiter) Share(scopes ...Scope) error {
	g := l.prepare(0, scopes)
	if g == nil {
		return nil
	}
	now := l.now()
	if refusal := l.local.take(g.scopes, 0, l.processes.Load(), now); refusal != nil {
		return refused(refusal, 0, l.o.Now())
	}
	l.local.done(g.scopes, 0, now)
	return nil
}

// prepare is the call's grant before it is granted; nil when nothing limits it.
func (l *Limiter) prepare(tokens int64, scopes []Scope) *Grant {
	var g *Grant
	for i := range scopes {
		if scopes[i].Limits.None() {
			continue
		}
		if g == nil {
			g = &Grant{limiter: l, tokens: min(max(tokens, 0), mostTokens), scopes: make([]taken, 0, len(scopes))}
		}
		s := taken{Scope: scopes[i], name: scopes[i].name()}
		s.Limits = s.Limits.bounded()
		g.scopes = append(g.scopes, s)
		if s.Limits.Parallel > 0 && g.lease == "" {
			g.lease = l.newLease()
		}
	}
	return g
}

// decide lets Redis decide. An error means that it did not, or that it is not known whether.
func (l *Limiter) decide(ctx context.Context, g *Grant) (*Refusal, error) {
	if l.redis == nil || l.link.away() {
		return nil, errAway
	}
	q := &question{keys: make([]string, 0, 2*len(g.scopes)), args: make([]any, 0, 3+3*len(g.scopes))}
	q.args = append(q.args, g.lease, g.tokens, l.o.Lease.Milliseconds())
	for i := range g.scopes {
		s := &g.scopes[i]
		q.keys = append(q.keys, s.meterKey(), s.leaseKey())
		q.args = append(q.args, s.Limits.Requests, s.Limits.Tokens, s.Limits.Parallel)
	}
	l.ask(ctx, q)
	if q.err != nil {
		if q.unknown && g.lease != "" {
			l.enqueue(correction{grant: &Grant{scopes: g.scopes, lease: g.lease}}) // it may hold one
			g.lease = l.newLease()
		}
		return nil, q.err
	}
	if len(q.answer) == 1 {
		return nil, nil //nolint:nilnil // nothing refuses
	}
	i := int(q.answer[1]) - 1
	if i < 0 || i >= len(g.scopes) {
		return nil, errStrange
	}
	by, s := byNumber(q.answer[2]), &g.scopes[i]
	r := s.refusal(by, by.of(s.Limits), verdict{remaining: q.answer[3], reset: q.answer[4], wait: max(q.answer[5], 0)})
	r.Never = q.answer[5] < 0
	return r, nil
}

func (l *Limiter) newLease() string { return l.process + strconv.FormatUint(l.counter.Add(1), 36) }

func (s *taken) meterKey() string { return prefix + "meter:" + s.name }
func (s *taken) leaseKey() string { return prefix + "calls:" + s.name }

// failed notes that Redis did not answer.
func (l *Limiter) failed(err error) {
	if l.link.bad() {
		l.o.Logger.Warn().Err(err).Int64("processes", l.processes.Load()).Msg("rate limits are decided without Redis: each process has its share")
	}
}

// State says how the limiter does.
func (l *Limiter) State() State {
	return State{
		Local: l.redis == nil || l.link.away(), Processes: l.processes.Load(), Leases: l.leases.count(), Lost: l.lost.Load(),
	}
}
