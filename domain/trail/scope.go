package trail

import (
	"context"
	"sync"

	"github.com/google/uuid"
)

// Who acts, and by which request.
type Who struct {
	Actor        string    // as in events: "operator:token", "user:<uuid>"
	Role         string    // in which it acts: "owner" of an organisation, "platform"; "" when there is none
	Person       uuid.UUID // who it is; the nil UUID for programs
	Session      uuid.UUID
	Wallet       uuid.UUID // of the tenant that the request is about
	Organisation uuid.UUID
	Operation    string // as the document names it
	Target       string // what the request's path names
	Request      uuid.UUID
	Reason       string
	Address      string // personal, as is the next
	UserAgent    string
}

// Scope is a request's. Its methods are safe for concurrent use, and for a nil Scope: outside of a request nothing is known.
type Scope struct {
	mu       sync.Mutex
	who      Who
	changes  int
	failures int
	code     string
}

type scopeKey struct{}

// With returns a context that carries a scope.
func With(ctx context.Context, s *Scope) context.Context {
	return context.WithValue(ctx, scopeKey{}, s)
}

// From is the scope of the request that the context belongs to; nil outside of one.
func From(ctx context.Context) *Scope {
	s, _ := ctx.Value(scopeKey{}).(*Scope)
	return s
}

// NewScope makes a scope.
func NewScope(who Who) *Scope { return &Scope{who: who} }

// Who is what is known so far.
func (s *Scope) Who() Who {
	if s == nil {
		return Who{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.who
}

// Learn changes what is known.
func (s *Scope) Learn(learn func(*Who)) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	learn(&s.who)
}

// Note counts an entry that was written for the request. It may not be kept: its transaction has not ended.
func (s *Scope) Note(r Result) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r == Refused || r == Failed {
		s.failures++
		return
	}
	s.changes++
}

// Noted says whether an entry was written that tells of a result like this one: of a request that was refused or failed, or of one that was not.
func (s *Scope) Noted(r Result) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r == Refused || r == Failed {
		return s.failures > 0
	}
	return s.changes > 0
}

// Fail notes the code that the request is refused with.
func (s *Scope) Fail(code string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.code = code
}

// Code is that code, "" for none.
func (s *Scope) Code() string {
	if s == nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.code
}
