package mail

import (
	"context"
	"slices"
	"sync"
	"time"
)

const outboxRoom = 200

// Sent is a message that an Outbox has.
type Sent struct {
	Message
	At time.Time
}

// Outbox is a Sender that keeps messages in memory instead of sending them, the newest 200. It is for development. It is safe for concurrent use.
type Outbox struct {
	mu   sync.Mutex
	kept []Sent
}

// Send implements Sender. A message that is sent again takes the place of the first.
func (o *Outbox) Send(_ context.Context, m Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = slices.DeleteFunc(o.kept, func(s Sent) bool { return s.ID == m.ID })
	o.kept = append(o.kept, Sent{Message: m, At: time.Now().UTC()})
	o.kept = o.kept[max(len(o.kept)-outboxRoom, 0):]
	return nil
}

// List is what it has, the newest first.
func (o *Outbox) List() []Sent {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := slices.Clone(o.kept)
	slices.Reverse(all)
	return all
}
