package runner

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// scratchBuild is a build in temporary tables: its session's alone, and gone with it, whatever happens.
type scratchBuild struct {
	r       *Runner
	p       Projection
	session *session
}

func (r *Runner) newScratch(ctx context.Context, p Projection) (*scratchBuild, error) {
	pooled, err := r.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("replay %s: %w", p.Name(), err)
	}
	s := &scratchBuild{r, p, &session{conn: pooled.Hijack(), slot: scratch}}
	err = pgx.BeginFunc(ctx, s.session.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sessionSettings); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `CREATE TABLE pg_temp.checkpoints (LIKE views.checkpoints INCLUDING ALL)`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO pg_temp.checkpoints (name, version, revision) VALUES ($1, $2, $3)`, p.Name(), p.Version(), revisionOf(p)); err != nil {
			return err
		}
		return copyTables(ctx, tx, p, scratch)
	})
	if err != nil {
		s.close(ctx)
		return nil, fmt.Errorf("make tables to replay %s: %w", p.Name(), err)
	}
	return s, nil
}

func (s *scratchBuild) close(ctx context.Context) { s.session.close(ctx) }

func (s *scratchBuild) position(ctx context.Context) (int64, error) {
	c, err := readCheckpoint(ctx, s.session.conn, s.p, scratch)
	return c.position, err
}

func (s *scratchBuild) advance(ctx context.Context, to int64) error {
	_, err := s.session.conn.Exec(ctx, `UPDATE pg_temp.checkpoints SET rebuild_to = $1`, to)
	if err == nil {
		_, err = s.r.run(ctx, s.session, s.p, to)
	}
	if err != nil {
		return fmt.Errorf("replay %s to position %d: %w", s.p.Name(), to, err)
	}
	return nil
}

func (s *scratchBuild) open(ctx context.Context) (*content, error) {
	return openContent(ctx, s.session.conn, s.p, scratch)
}
