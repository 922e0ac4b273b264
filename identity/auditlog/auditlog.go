// Package auditlog keeps the audit trail: who did what to what, why and with what result. Entries are what domain/trail makes of changes.
//
//	record.go  writes an entry in the transaction of its change
//	forget.go  takes out what is personal
//	seal.go    chains entries, a moment after they were written
//	list.go    shows them
//	verify.go  finds what was changed, removed, inserted or put elsewhere, with code of its own
//	head.go    signs the chain's end, so that somebody else can keep it
//
// Writers do not wait for each other: an entry is chained after its transaction, in the order of writing, by one process at a time. Until then, a second or so,
// somebody who can write to the database can take it out unseen; afterwards nobody can without breaking the chain.
package auditlog

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/massrouter/massrouter/domain/trail"
)

// Log is the trail in Postgres. It is safe for concurrent use.
type Log struct{ pool *pgxpool.Pool }

// New makes a Log.
func New(pool *pgxpool.Pool) *Log { return &Log{pool: pool} }

// Record writes an entry of something that changed nothing: a refusal, a read.
func (l *Log) Record(ctx context.Context, c trail.Change) error { return Record(ctx, l.pool, c) }
