package password

import "slices"

// waiter is somebody who waits for the turn. Its channel has room for the one answer.
type waiter struct {
	Asker
	turn chan bool // true: it is its turn; false: its place was given to another network
}

// line is who waits. Networks take turns in it, so that one of which many wait keeps none of the others waiting.
type line struct {
	networks []string // in the order of their next turns
	of       map[string][]*waiter
	n        int
}

func (l *line) add(w *waiter) {
	if l.of == nil {
		l.of = map[string][]*waiter{}
	}
	if len(l.of[w.Network]) == 0 {
		l.networks = append(l.networks, w.Network)
	}
	l.of[w.Network] = append(l.of[w.Network], w)
	l.n++
}

// next takes out whose turn it is; nil when nobody waits.
func (l *line) next() *waiter {
	if len(l.networks) == 0 {
		return nil
	}
	network := l.networks[0]
	w := l.of[network][0]
	l.remove(w)
	if len(l.of[network]) > 0 {
		l.networks = append(l.networks[1:], network)
	}
	return w
}

// remove takes somebody out, and says whether he was in it.
func (l *line) remove(w *waiter) bool {
	at := slices.Index(l.of[w.Network], w)
	if at < 0 {
		return false
	}
	l.n--
	if l.of[w.Network] = slices.Delete(l.of[w.Network], at, at+1); len(l.of[w.Network]) == 0 {
		delete(l.of, w.Network)
		l.networks = slices.DeleteFunc(l.networks, func(n string) bool { return n == w.Network })
	}
	return true
}

// longest is who came last of the network of which most wait, when they are more than that; nil otherwise.
func (l *line) longest(than int) (last *waiter) {
	for _, network := range l.networks {
		if of := l.of[network]; len(of) > than {
			than, last = len(of), of[len(of)-1]
		}
	}
	return last
}
