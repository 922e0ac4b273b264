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

// begin counts a try by its pair and by those around it, of which a known pair is free, or says how long to wait.
func (p *pairs) begin(pairs []string, account string, now time.Time) (wait time.Duration, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.accounts[account]
	first := p.pairs[pairs[0]]
	if known = first.known && !first.over(now, pairFor); known {
		pairs = pairs[:1]
	}
	attacked := !known && a.n >= alarm && !a.over(now, calmAfter)
	tries := make([]tried, len(pairs))
	for i, pair := range pairs {
		t := p.pairs[pair]
		if t.over(now, pairFor) {
			t = tried{}
		}
		b := rules(i).calm
		if attacked {
			b = rules(i).attack
		}
		wait = max(wait, b.wait(t.n)-now.Sub(t.last))
		tries[i] = t
	}
	if wait > 0 {
		return wait, known
	}
	for i, t := range tries {
		t.n, t.last = t.n+1, now
		put(p.pairs, pairs[i], t, now, pairFor)
	}
	return 0, known
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

func (p *pairs) passed(pairs []string, known bool, now time.Time) {
	if !known {
		for _, pair := range pairs[1:] {
			p.dropped(pair)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	put(p.pairs, pairs[0], tried{last: now, known: true}, now, pairFor)
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
