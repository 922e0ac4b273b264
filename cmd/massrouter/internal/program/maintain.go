package program

import (
	"context"
	"errors"
	"fmt"

	"github.com/massrouter/massrouter/eventstore/once"
	"github.com/massrouter/massrouter/gateway/answers"
	"github.com/massrouter/massrouter/gateway/content"
	"github.com/massrouter/massrouter/gateway/hits"
	"github.com/massrouter/massrouter/reactors/webhook"
)

// purge removes what is over of one room beside the ledger, in small steps, and says how much that was.
type purge struct {
	room string
	run  func(ctx context.Context) (int64, error)
}

func (p *Program) purges() []purge {
	all := []purge{
		{"kept answers", answers.New(p.workers).PurgeAll},
		{"hits of the cache", hits.New(p.workers).Purge},
		{"contents of calls", content.New(p.workers, nil).Sweep},
		{"requests", func(ctx context.Context) (int64, error) { return once.Prune(ctx, p.workers) }},
	}
	if p.hooks != nil {
		all = append(all, purge{"deliveries of webhooks", p.pruneWebhooks})
	}
	return all
}

func (p *Program) pruneWebhooks(ctx context.Context) (int64, error) {
	done, err := webhook.Prune(ctx, p.deliverers, p.now(), p.o.Config.Webhooks.WebhookRetention)
	return done.GaveUp + done.Deleted, err
}

// maintain makes partitions ahead and removes what is over. What fails keeps nothing else waiting.
func (p *Program) maintain(ctx context.Context) error {
	var failed []error
	if err := p.store.EnsurePartitions(ctx, p.o.Config.Ledger.PartitionsAhead); err != nil {
		failed = append(failed, fmt.Errorf("make partitions ahead: %w", err))
	}
	for _, one := range p.purges() {
		n, err := one.run(ctx)
		if n > 0 {
			p.o.Log.Debug().Str("room", one.room).Int64("rows", n).Msg("removed what was over")
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("remove what is over of %s: %w", one.room, err))
		}
	}
	return errors.Join(failed...)
}
