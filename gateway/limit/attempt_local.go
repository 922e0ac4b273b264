package limit

import (
	"sync"
	"time"
)

// maxPairs bounds the memory of the tries that a process counts by itself.
const maxPairs = 100_000

// tried is what is remembered of a pair, or of an account.
type tried struct {
	n     int64
	last  time.Time
	known bool
}

func (t tried) over(now time.Time, keep time.Duration) bool {
	if t.known {
		keep = knownFor
	}
	return now.Sub(t.last) >= keep
}

// pairs are the tries that this process counts by itself.
type pairs struct {
	mu       sync.Mutex
	pairs    map[string]tried
	accounts map[string]tried
}

func newPairs() pairs { return pairs{pairs: map[string]tried{}, accounts: map[string]tried{}} }

func (p *pairs) begin(pair, account string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, a := p.pairs[pair], p.accounts[account]
	if t.over(now, pairFor) {
		t = tried{}
	}
	rule := calm
	if !t.known && a.n >= alarm && !a.over(now, calmAfter) {
		rule = attack
	}
	if wait := rule.wait(t.n); wait > 0 && now.Sub(t.last) < wait {
		return wait - now.Sub(t.last)
	}
	t.n, t.last = t.n+1, now
	put(p.pairs, pair, t, now, pairFor)
	return 0
}

func (p *pairs) failed(account string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.accounts[account]
	if a.over(now, calmAfter) {
		a = tried{}
	}
	a.n, a.last = a.n+1, now
	put(p.accounts, account, a, now, calmAfter)
}

func (p *pairs) passed(pair string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	put(p.pairs, pair, tried{last: now, known: true}, now, pairFor)
}

func (p *pairs) dropped(pair string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t, ok := p.pairs[pair]; ok && t.n > 0 {
		t.n--
		p.pairs[pair] = t
	}
}

// put remembers, and makes room: by all that is over or, when nothing is, by anything.
func put(m map[string]tried, key string, t tried, now time.Time, keep time.Duration) {
	if _, ok := m[key]; !ok && len(m) >= maxPairs {
		for k, old := range m {
			if old.over(now, keep) {
				delete(m, k)
			}
		}
		for k := range m {
			if len(m) < maxPairs*9/10 {
				break
			}
			delete(m, k)
		}
	}
	m[key] = t
}
