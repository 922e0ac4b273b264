package program

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/commands"
	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/projections"
	"github.com/massrouter/massrouter/projections/apps"
	"github.com/massrouter/massrouter/projections/asof"
	"github.com/massrouter/massrouter/projections/balance"
	"github.com/massrouter/massrouter/projections/catalog"
	"github.com/massrouter/massrouter/projections/checkpoint"
	"github.com/massrouter/massrouter/projections/generations"
	"github.com/massrouter/massrouter/projections/journal"
	"github.com/massrouter/massrouter/projections/keys"
	"github.com/massrouter/massrouter/projections/live"
	"github.com/massrouter/massrouter/projections/rankings"
	"github.com/massrouter/massrouter/projections/reviews"
	"github.com/massrouter/massrouter/projections/runner"
	"github.com/massrouter/massrouter/projections/statement"
	"github.com/massrouter/massrouter/projections/usage"
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
	reviews     *reviews.Query
	usage       *usage.Query
	apps        *apps.Query
	rankings    *rankings.Query
	journal     *journal.Query
	moments     *asof.Log
	live        *live.Source
	projections *runner.Runner // only to be asked where they stand
	cache       *catalog.Cache
}

func newViews(pool, statistics *pgxpool.Pool, log eventstore.Reader) (*views, error) {
	registry, err := commands.Registry()
	if err != nil {
		return nil, fmt.Errorf("list the events: %w", err)
	}
	v := &views{signal: &checkpoint.Signal{}}
	told := checkpoint.WithSignal(v.signal)
	v.balance, v.statement, v.keys = balance.NewQuery(pool, told), statement.NewQuery(pool, told), keys.NewQuery(pool, told)
	v.catalog, v.generations = catalog.NewQuery(pool, told), generations.NewQuery(pool, told)
	v.usage, v.journal, v.moments = usage.NewQuery(statistics, log, registry, told), journal.NewQuery(pool, told), asof.New(log)
	v.apps, v.rankings = apps.NewQuery(pool, told), rankings.NewQuery(statistics, log, registry, told)
	v.reviews = reviews.NewQuery(pool, told)
	v.live = live.New(pool, log, registry, projections.All(), told)
	v.projections = runner.New(log, pool, registry, projections.All(), runner.Options{})
	v.cache = catalog.NewCache(v.catalog, 0)
	for _, p := range projections.All() {
		v.all = append(v.all, checkpoint.NewView(pool, p.Name(), p.Version(), told))
	}
	return v, nil
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
