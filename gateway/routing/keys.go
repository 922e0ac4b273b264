package routing

import (
	"sync"
	"time"
)

// maxAside bounds what is remembered of credentials.
const maxAside = 10_000

// Keys are the credentials that are set aside, and whose turn it is. Credentials are ids, never secrets; one that was renewed has another id. The
// zero value is ready; it is safe for concurrent use.
type Keys struct {
	mu    sync.Mutex
	aside map[scope]banned
	turns map[string]uint64 // by the first credential of a vendor
}

// banned is until when.
type banned struct {
	until time.Time
	ours  bool // found out here, not by a peer
}

// scope is where a credential is not to be used; everywhere when endpoint is empty.
type scope struct{ credential, endpoint string }

// SetAside keeps a credential from being used until then: at one endpoint, because of its rate limit, or, with endpoint "", at all, because it
// was refused. A later time counts, an earlier one does not.
func (k *Keys) SetAside(credential, endpoint string, until, now time.Time) {
	k.ban(scope{credential, endpoint}, banned{until, true}, now)
}

func (k *Keys) ban(s scope, b banned, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.aside) >= maxAside {
		for s, b := range k.aside {
			if !b.until.After(now) {
				delete(k.aside, s)
			}
		}
	}
	old, there := k.aside[s]
	if !b.until.After(now) || !b.until.After(old.until) || !there && len(k.aside) >= maxAside {
		return
	}
	if k.aside == nil {
		k.aside = make(map[scope]banned)
	}
	k.aside[s] = b
}

// found is what this process found out itself, at most so much of it.
func (k *Keys) found(most int, now time.Time) map[scope]time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make(map[scope]time.Time)
	for s, b := range k.aside {
		if b.ours && b.until.After(now) && len(out) < most && len(s.credential) <= maxID && len(s.endpoint) <= maxID {
			out[s] = b.until
		}
	}
	return out
}

// until is when a credential may be used at an endpoint. The lock is held.
func (k *Keys) until(credential, endpoint string) time.Time {
	everywhere, here := k.aside[scope{credential, ""}].until, k.aside[scope{credential, endpoint}].until
	if here.After(everywhere) {
		return here
	}
	return everywhere
}

// Ready says whether any of the credentials may be used at an endpoint, and if not, when the first may. Without credentials there is nothing
// to wait for.
func (k *Keys) Ready(credentials []string, endpoint string, now time.Time) (ok bool, retry time.Duration) {
	if len(credentials) == 0 {
		return true, 0
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, c := range credentials {
		wait := k.until(c, endpoint).Sub(now)
		if wait <= 0 {
			return true, 0
		}
		if i == 0 || wait < retry {
			retry = wait
		}
	}
	return false, retry
}

// Pick takes a credential among those that may be used at an endpoint and are not refused by except: the one whose turn it is, or that of the
// conversation, because vendors keep prompts by account. "" is the credential of a vendor without any.
func (k *Keys) Pick(credentials []string, endpoint string, c Conversation, except func(string) bool, now time.Time) (credential string, ok bool) {
	if len(credentials) == 0 {
		return "", !except("")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.turns) >= maxAside {
		clear(k.turns)
	}
	if k.turns == nil {
		k.turns = make(map[string]uint64)
	}
	n := uint64(len(credentials))
	turn := k.turns[credentials[0]]
	var least float64
	for i := range n {
		next := credentials[(turn+i)%n]
		if except(next) || k.until(next, endpoint).After(now) {
			continue
		}
		if c == 0 {
			k.turns[credentials[0]] = turn + i + 1
			return next, true
		}
		if score := c.score(next, 1); !ok || score < least {
			credential, least, ok = next, score, true
		}
	}
	return credential, ok
}
