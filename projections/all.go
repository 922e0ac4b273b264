// Package projections lists the read models. Each has a package of its own: project.go turns events into rows, query.go
// rows into answers.
package projections

import (
	"github.com/massrouter/massrouter/projections/apps"
	"github.com/massrouter/massrouter/projections/balance"
	"github.com/massrouter/massrouter/projections/catalog"
	"github.com/massrouter/massrouter/projections/generations"
	"github.com/massrouter/massrouter/projections/journal"
	"github.com/massrouter/massrouter/projections/keys"
	"github.com/massrouter/massrouter/projections/rankings"
	"github.com/massrouter/massrouter/projections/reviews"
	"github.com/massrouter/massrouter/projections/runner"
	"github.com/massrouter/massrouter/projections/usage"
)

// All is every projection.
func All() []runner.Projection {
	return []runner.Projection{
		catalog.Projection{},
		keys.Projection{},
		apps.Projection{},
		balance.Projection{},
		journal.Projection{},
		generations.Projection{},
		usage.Projection{},
		rankings.Projection{},
		reviews.Projection{},
	}
}
