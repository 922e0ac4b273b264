package commands

import (
	"context"

	"github.com/google/uuid"

	"github.com/massrouter/massrouter/commands/executor"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
)

// ReportLeak says that the secret of a key was found where others can read it.
type ReportLeak struct {
	KeyID  uuid.UUID   `json:"key_id"`
	Hash   apikey.Hash `json:"hash"` // of the secret that was found
	Source string      `json:"source,omitempty"`
}

// ReportLeak stops the key if the secret works. It tells nobody whether it did.
func (a *App) ReportLeak(ctx context.Context, m Meta, c ReportLeak) (Done, Receipt, error) {
	return do(ctx, a, m, c)
}

func (ReportLeak) name() string { return "report_leak" }

func (c ReportLeak) streams() []domain.StreamID { return []domain.StreamID{apikey.Stream(c.KeyID)} }

func (c ReportLeak) decide(d *executor.Decision) (Done, error) {
	stream := apikey.Stream(c.KeyID)
	events, err := state[*apikey.State](d, stream).ReportLeak(apikey.ReportLeak{Hash: c.Hash, Source: c.Source}, d.Now())
	if err != nil {
		return Done{}, err
	}
	for _, e := range events {
		if err := d.Append(stream, e); err != nil {
			return Done{}, err
		}
	}
	return Done{}, nil
}
