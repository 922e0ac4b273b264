// Package keys is the read model of API keys, their limits and what they spend.
package keys

import (
	"github.com/google/uuid"

	"github.com/massrouter/massrouter/domain/apikey"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/runner"
)

// Name and Version key the checkpoint: another name or version is another projection, built from position 0.
const (
	Name    = "keys"
	Version = 1
)

// Projection writes the keys view.
type Projection struct{}

// Name implements runner.Projection.
func (Projection) Name() string { return Name }

// Version implements runner.Projection.
func (Projection) Version() int { return Version }

// Tables implements runner.Projection.
func (Projection) Tables() []string {
	return []string{"views.keys_v1", "views.keys_spend_v1", "views.keys_wallets_v1", "views.keys_members_v1"}
}

// Project implements runner.Projection.
func (Projection) Project(events []runner.Event, w *runner.Writes) error {
	facts := newFacts()
	spends := newSpends()
	terms := newTerms()
	for i := range events {
		switch e := events[i].Data.(type) {
		case apikey.Event:
			if err := facts.fold(e, &events[i]); err != nil {
				return err
			}
		case wallet.Event:
			spends.fold(e, &events[i])
			if err := terms.fold(e, &events[i]); err != nil {
				return err
			}
		}
	}
	facts.write(w)
	spends.write(w)
	terms.write(w)
	return nil
}

// ordered keeps one value per key in the order in which the keys appear.
type ordered[T any] struct {
	byKey map[uuid.UUID]*T
	order []uuid.UUID
}

func (o *ordered[T]) get(key uuid.UUID) *T {
	v, ok := o.byKey[key]
	if !ok {
		v = new(T)
		o.byKey[key], o.order = v, append(o.order, key)
	}
	return v
}
