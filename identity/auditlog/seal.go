package auditlog

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

const (
	sealBatch = 500
	signEvery = 10 * time.Second
)

// Seal chains the entries that wait, and says how many that were.
func (l *Log) Seal(ctx context.Context) (int64, error) {
	var all int64
	for {
		var made int64
		if err := l.pool.QueryRow(ctx, `SELECT audit.seal($1)`, sealBatch).Scan(&made); err != nil {
			return all, fmt.Errorf("chain entries of the audit trail: %w", err)
		}
		if all += made; made < sealBatch {
			return all, nil
		}
	}
}

// Sealer chains entries as they come, and has the end of the chain signed. It is for one goroutine; any number of processes may have one.
type Sealer struct {
	log    *Log
	sign   *Signatory
	signed time.Time
}

// NewSealer makes a Sealer; sign is nil for a trail that nobody signs.
func NewSealer(log *Log, sign *Signatory) *Sealer { return &Sealer{log: log, sign: sign} }

// Tick chains what waits, and signs when it is time to.
func (s *Sealer) Tick(ctx context.Context) error {
	if _, err := s.log.Seal(ctx); err != nil {
		return err
	}
	if s.sign == nil || time.Since(s.signed) < cmp.Or(s.sign.Every, signEvery) {
		return nil
	}
	s.signed = time.Now()
	_, err := s.sign.Sign(ctx, s.log)
	return err
}
