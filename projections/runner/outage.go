package runner

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/projections/checkpoint"
)

// away marks an error that has nothing to do with the projection.
type away struct{ error }

func (a away) Unwrap() error { return a.error }

// transient says whether an error means that the database or the log is away, overloaded or busy: worth trying again soon, and no
// fault of the projection.
func transient(err error) bool {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return checkpoint.Outage(server)
	}
	var connect *pgconn.ConnectError
	var outside away
	return errors.As(err, &outside) || errors.As(err, &connect) || errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, errMoved) || errors.Is(err, errGone)
}
