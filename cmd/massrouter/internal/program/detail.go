package program

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// projectionDetail is where a live read model stands, for /readyz.
type projectionDetail struct {
	Name     string `json:"name"`
	Version  int    `json:"version"`
	State    string `json:"state"`           // live, building or failed
	Position int64  `json:"position,string"` // 64 bits are a string, as everywhere
	Lag      int64  `json:"lag,string"`      // events behind the end of the log
}

// details are the parts whose state /readyz shows.
func (p *Program) details() map[string]func(context.Context) (any, error) {
	all := map[string]func(context.Context) (any, error){"projections": p.projectionDetails}
	if p.relays() {
		all["relay"] = p.relayDetails
	}
	if p.o.Work && p.hooks != nil {
		all["webhooks"] = p.webhookDetails
	}
	if p.redis != nil {
		all["redis"] = p.redisDetails
	}
	return all
}

// projectionDetails reads the checkpoints only: probers ask every few seconds.
func (p *Program) projectionDetails(ctx context.Context) (any, error) {
	rows, err := p.pool.Query(ctx, `SELECT name, version, position,
		CASE WHEN state = 'failed' THEN 'failed' WHEN position < rebuild_to THEN 'building' ELSE 'live' END
		FROM views.checkpoints ORDER BY name, version`)
	if err != nil {
		return nil, fmt.Errorf("read the checkpoints: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d projectionDetail, err error) {
		return d, row.Scan(&d.Name, &d.Version, &d.Position, &d.State)
	})
	if err != nil {
		return nil, fmt.Errorf("read the checkpoints: %w", err)
	}
	head, err := p.store.Head(ctx) // after the checkpoints, so that no lag is negative
	if err != nil {
		return nil, fmt.Errorf("read the end of the log: %w", err)
	}
	for i := range all {
		all[i].Lag = head.Position - all[i].Position
	}
	return all, nil
}
