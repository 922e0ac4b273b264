package runner

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/domain"
)

func busy(p Projection) error {
	return domain.Errorf(domain.CodeConflict, "another command is changing the builds of %s", p.Name())
}

// MismatchError says that a new build is not like the live one, although both are made by the same code from the same
// events. The live one goes on serving and the new one is left as it is: Switch takes it nevertheless, Drop removes it.
type MismatchError struct{ Comparison }

// Error names the projection, the position and the first difference.
func (e *MismatchError) Error() string {
	text := fmt.Sprintf("the new build of %s differs from the live one at position %d", e.Live.Name, e.Live.Position)
	if len(e.Differences) > 0 {
		text += ": " + e.Differences[0].String()
	}
	return text
}

// Rebuild makes a new build of a projection from position 0 beside the live one, which goes on serving; compares both at the
// same position; and lets queries read the new one, when it is at the end that the log had at the beginning or later. The
// live one is kept. Whoever owns the new build does the work: a Run of any process, else this one. A build that was cut off
// goes on. A build that differs is a *MismatchError, unless the code has another revision than that which made the live
// one. Other errors have code not_found, or conflict while another command is at it.
func (r *Runner) Rebuild(ctx context.Context, name string) error {
	p, release, err := r.take(ctx, name)
	if err != nil {
		return err
	}
	defer release()
	head, err := r.store.Head(ctx)
	if err != nil {
		return fmt.Errorf("read the end of the log: %w", err)
	}
	live, err := readCheckpoint(ctx, r.pool, p, Live)
	if err != nil {
		return err
	}
	if !live.found { // it was never built
		return r.runTo(ctx, p, Live, head.Position)
	}
	if err := r.beginBuild(ctx, p); err != nil {
		return fmt.Errorf("begin a build of %s: %w", name, err)
	}
	if live.revision == revisionOf(p) {
		compared, err := r.check(ctx, p, beside{r, p, Building})
		if err != nil {
			return fmt.Errorf("check the new build of %s: %w", name, err)
		}
		if !compared.Equal {
			return &MismatchError{compared}
		}
	}
	return r.swap(ctx, p, Building, head.Position)
}

// take chooses a projection and keeps other commands away from its builds.
func (r *Runner) take(ctx context.Context, name string) (Projection, func(), error) {
	chosen, err := r.choose([]string{name})
	if err != nil {
		return nil, nil, err
	}
	release, err := r.control(ctx, chosen[0])
	return chosen[0], release, err
}

// beginBuild makes the tables and the checkpoint of a build, unless it is there already.
func (r *Runner) beginBuild(ctx context.Context, p Projection) error {
	return pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		c, err := scanCheckpoint(ctx, tx, p, Building, ` FOR UPDATE`)
		if err != nil {
			return err
		}
		if c.found && c.revision == revisionOf(p) { // it goes on, no further than it is told
			if err := sameShape(ctx, tx, p, Building); err != nil {
				return err
			}
			return halt(ctx, tx, p, Building)
		}
		if err := dropBuild(ctx, tx, p, Building); err != nil {
			return err
		}
		if err := copyTables(ctx, tx, p, Building); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO views_building.checkpoints (name, version, build, revision, state)
			SELECT $1, $2, max(build) + 1, $3, 'rebuilding' FROM (SELECT build FROM views.checkpoints WHERE name = $1 AND version = $2
			UNION ALL SELECT build FROM views_kept.checkpoints WHERE name = $1 AND version = $2) AS builds`, p.Name(), p.Version(), revisionOf(p))
		return err
	})
}

func dropBuild(ctx context.Context, tx pgx.Tx, p Projection, s Slot) error {
	_, err := tx.Exec(ctx, s.sql(`DELETE FROM views.checkpoints WHERE name = $1 AND version = $2`), p.Name(), p.Version())
	if err != nil {
		return fmt.Errorf("remove the checkpoint of the %s build of %s: %w", s, p.Name(), err)
	}
	return dropTables(ctx, tx, p, s)
}

// Drop removes the build that is being made, or the one that is kept. Errors have code not_found, also when there is no such
// build, or conflict.
func (r *Runner) Drop(ctx context.Context, name string, s Slot) error {
	if s != Building && s != Kept {
		return domain.Errorf(domain.CodeInvalid, "the live build cannot be dropped")
	}
	p, release, err := r.take(ctx, name)
	if err != nil {
		return err
	}
	defer release()
	return pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		c, err := scanCheckpoint(ctx, tx, p, s, ` FOR UPDATE`)
		if err != nil {
			return err
		}
		if !c.found {
			return noBuild(p, s)
		}
		return dropBuild(ctx, tx, p, s)
	})
}

func noBuild(p Projection, s Slot) error {
	return domain.Errorf(domain.CodeNotFound, "%s has no %s build", p.Name(), s)
}
