package program

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/projections"
	"github.com/massrouter/massrouter/projections/balance"
	"github.com/massrouter/massrouter/projections/catalog"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/generations"
	"github.com/massrouter/massrouter/projections/keys"
	"github.com/massrouter/massrouter/projections/statement"
)

// views are the queries of all read models.
type views struct {
	signal      *checkpoint.Signal // told by the projections of this process, if it has them
	all         []*checkpoint.View
	balance     *balance.Query
	statement   *statement.Query
	keys        *keys.Query
	catalog     *catalog.Query
	generations *generations.Query
	cache       *catalog.Cache
}

func newViews(pool *pgxpool.Pool) *views {
	v := &views{signal: &checkpoint.Signal{}}
	told := checkpoint.WithSignal(v.signal)
	v.balance, v.statement, v.keys = balance.NewQuery(pool, told), statement.NewQuery(pool, told), keys.NewQuery(pool, told)
	v.catalog, v.generations = catalog.NewQuery(pool, told), generations.NewQuery(pool, told)
	v.cache = catalog.NewCache(v.catalog, 0)
	for _, p := range projections.All() {
		v.all = append(v.all, checkpoint.NewView(pool, p.Name(), p.Version(), told))
	}
	return v
}

// errBehind says that the read models do not keep up.
var errBehind = errors.New("the read models did not reach the position in time; is 'massrouter work' running?")

// waitFor waits for all of them, as long as ctx.
func (v *views) waitFor(ctx context.Context, position int64) error {
	group, waiting := errgroup.WithContext(ctx)
	for _, view := range v.all {
		group.Go(func() error {
			for {
				err := view.WaitFor(waiting, position)
				if err == nil || waiting.Err() != nil {
					return err
				}
			}
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("%w (position %d): %w", errBehind, position, err)
	}
	return nil
}
