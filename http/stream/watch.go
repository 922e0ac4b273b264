package stream

import (
	"context"
	"time"

	"github.com/massrouter/massrouter/http/auth"
)

const (
	// watchEvery is how often it is looked whether those who listen may still: what has ended is known within a second.
	watchEvery = 500 * time.Millisecond
	watchTime  = 2 * time.Second // for one look
	// blind is how long streams go on while it cannot be found out.
	blind = 10 * time.Second
)

// The reasons of an end.
const (
	reasonUnauthenticated = "unauthenticated"
	reasonForbidden       = "forbidden"
	reasonUnknown         = "unknown"
)

// watch looks at all listeners together, with as many queries as for one, and ends the streams of those who may not listen any more.
func (h *Hub) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for seen := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		began := time.Now()
		listening := h.listening()
		if len(listening) == 0 {
			seen = began
			continue
		}
		looking, cancel := context.WithTimeout(ctx, watchTime)
		now, err := again(looking, listening)
		cancel()
		switch {
		case err == nil:
			seen = began
			for i, s := range listening {
				if reason := s.refused(now[i]); reason != "" {
					s.part(endOf(reason))
				}
			}
		case ctx.Err() == nil && time.Since(seen) >= blind:
			h.o.Logger.Warn().Err(err).Msg("live updates end: it cannot be found out who may listen")
			for _, s := range listening {
				s.part(endOf(reasonUnknown))
			}
		}
	}
}

// again asks what listeners may do now; there is one watcher in a process.
func again(ctx context.Context, listening []*subscription) ([]auth.Actor, error) {
	actors := make([]auth.Actor, len(listening))
	for i, s := range listening {
		actors[i] = s.actor
	}
	return listening[0].watcher.Again(ctx, actors)
}

// listening are those whose rights can change.
func (h *Hub) listening() []*subscription {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []*subscription
	for s := range h.all {
		if s.watcher != nil {
			all = append(all, s)
		}
	}
	return all
}

// refused says why an actor may not listen to what was asked for; "" when he may.
func (f *filter) refused(a auth.Actor) string {
	if a.ID == "" {
		return reasonUnauthenticated
	}
	if f.wants(kindLag) && !a.Platform.Has(auth.OperationsRead) {
		return reasonForbidden
	}
	if a.Platform.Has(auth.WalletsRead) {
		return ""
	}
	for id := range f.wallets {
		if !a.Tenants[id].Permissions.Has(auth.WalletsRead) {
			return reasonForbidden
		}
	}
	if len(f.wallets) == 0 {
		return reasonForbidden
	}
	return ""
}

// endOf is the last event of a stream. It has no id: who comes back does so from the one before.
func endOf(reason string) []byte {
	return []byte("event: end\ndata: {\"reason\":\"" + reason + "\"}\n\n")
}
