package program

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/gateway"
	"github.com/massrouter/massrouter/gateway/content"
	"github.com/massrouter/massrouter/http/command"
	"github.com/massrouter/massrouter/http/inference"
	"github.com/massrouter/massrouter/http/query"
	"github.com/massrouter/massrouter/projections/generations"
)

// openContents prepares the storing of what calls ask and are answered; nothing without a keyset to seal it.
func (p *Program) openContents() error {
	if p.secrets == nil {
		return nil
	}
	calls := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "massrouter_contents_total", Help: "Calls whose content was to be stored, by what became of it: stored, or dropped without room.",
	}, []string{"state"})
	if err := register(p.registry, calls); err != nil {
		return fmt.Errorf("prepare the storing of contents: %w", err)
	}
	p.contents = content.New(p.pool, p.secrets)
	p.contentWriter = content.NewWriter(p.contents, content.WriterOptions{
		OnCall: func(s content.State) { calls.WithLabelValues(string(s)).Inc() }, Logger: p.o.Log,
	})
	return nil
}

// contentSink and the others are nil without a keyset, as the rooms want it.
func (p *Program) contentSink() gateway.Contents {
	if p.contentWriter == nil {
		return nil
	}
	return p.contentWriter
}

func (p *Program) contentQueries() query.Contents {
	if p.contents == nil {
		return nil
	}
	return p.contents
}

func (p *Program) contentTexts() inference.Contents {
	if p.contents == nil {
		return nil
	}
	return p.contents
}

func (p *Program) contentCommands() command.Contents {
	if p.contents == nil {
		return nil
	}
	return ownedContents{p.contents, p.views.generations, p.store}
}

// ownedContents knows whose calls they are.
type ownedContents struct {
	*content.Store
	generations *generations.Query
	log         eventstore.Reader
}

// Wallet implements command.Contents. What is in the log already but maybe not in the read model yet is looked up again at the end of the log.
func (c ownedContents) Wallet(ctx context.Context, generation uuid.UUID) (uuid.UUID, error) {
	g, err := c.generations.Generation(ctx, generation, nil, 0)
	if domain.CodeOf(err) == domain.CodeNotFound {
		head, headErr := rawLog{c.log}.Head(ctx)
		if headErr != nil {
			return uuid.Nil, headErr
		}
		g, err = c.generations.Generation(ctx, generation, nil, head.Position)
	}
	return g.WalletID, err
}
