package auditdb

import (
	"context"
	"fmt"
	"time"

	"github.com/massrouter/massrouter/audit"
)

// view is what all read models share: a checkpoint as of which the tables are compared.
type view struct {
	s          *session
	findings   *audit.Findings
	name       string
	version    int
	position   int64
	recordedAt time.Time
	compared   bool // at the checkpoint
}

// views compares all read models.
type views struct {
	comparers []comparer
	tableNote []Table // of checkpoints that nothing here knows
	s         *session
	findings  *audit.Findings
	recorded  map[int64][]*view // by the position of the checkpoint
	all       []*view
}

// starts are the read models that are compared, by name.
func starts() map[string]func(context.Context, *view) ([]comparer, error) {
	return map[string]func(context.Context, *view) ([]comparer, error){
		"balance": newBalance, "keys": newKeys, "apps": newApps, "catalog": newCatalog, "generations": newGenerations,
		"journal": newJournal, "usage": newRollups, "rankings": newRollups, "reviews": newReviews,
	}
}

// order is the one in which they are shown.
func order() []string {
	return []string{"balance", "keys", "apps", "catalog", "generations", "journal", "usage", "rankings", "reviews"}
}

// versions are those that are compared, where it is not the first.
func versions() map[string]int { return map[string]int{"journal": 2, "usage": 3} }

func knownVersion(name string) int { return max(versions()[name], 1) }

func newViews(ctx context.Context, s *session, findings *audit.Findings) (comparer, error) {
	v := &views{s: s, findings: findings, recorded: map[int64][]*view{}}
	found := map[string]*view{}
	err := s.each(ctx, `SELECT name, version::bigint, position, recorded_at FROM views.checkpoints ORDER BY name, version`, func(r *row) {
		one := &view{s: s, findings: findings, name: r.text(0), version: int(r.int64(1)), position: r.int64(2), recordedAt: r.time(3)}
		if _, known := starts()[one.name]; !known || one.version != knownVersion(one.name) {
			v.tableNote = append(v.tableNote, Table{Name: fmt.Sprintf("views: %s v%d", one.name, one.version), Position: one.position, Note: "unknown to this program: not compared"})
			return
		}
		found[one.name] = one
	})
	if err != nil {
		return nil, err
	}
	for _, name := range order() {
		one, ok := found[name]
		if !ok { // it was never run: its tables must be empty
			one = &view{s: s, findings: findings, name: name, version: knownVersion(name), recordedAt: time.Unix(0, 0)}
		}
		v.all, v.recorded[one.position] = append(v.all, one), append(v.recorded[one.position], one)
		comparers, err := starts()[name](ctx, one)
		v.comparers = append(v.comparers, comparers...)
		if err != nil {
			return v, err
		}
	}
	return v, nil
}

func (v *views) tables() []Table {
	var all []Table
	for _, c := range v.comparers {
		all = append(all, c.tables()...)
	}
	return append(all, v.tableNote...)
}

func (v *views) close() {
	for _, c := range v.comparers {
		c.close()
	}
}

// Observe hands the event on.
func (v *views) Observe(ctx context.Context, step *audit.Step) error {
	for _, one := range v.recorded[step.Row.Position] {
		one.compared = true
		one.checkpoint(step.Row.RecordedAt)
	}
	for _, c := range v.comparers {
		if err := c.Observe(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// End finds checkpoints that no event has, and lets the tables compare what is left.
func (v *views) End(ctx context.Context, state *audit.State) error {
	for _, one := range v.all {
		switch {
		case one.compared:
		case one.position == 0:
			one.checkpoint(time.Unix(0, 0))
		case one.position > state.Position:
			v.findings.Addf(one.position, ViewAhead, "views.checkpoints "+one.name, "the read model is at position %d, the log ends at %d", one.position, state.Position)
		}
	}
	for _, c := range v.comparers {
		if err := c.End(ctx, state); err != nil {
			return err
		}
	}
	return nil
}

func (v *view) checkpoint(recordedAt time.Time) {
	d := &diff{v.findings, v.position, "views.checkpoints", func() string { return v.name }}
	d.time("recorded_at", v.recordedAt, recordedAt)
}

// covers says whether an event is one that the read model has seen.
func (v *view) covers(step *audit.Step) bool { return step.Row.Position <= v.position }

// table is how a table of the view is called.
func (v *view) table(suffix string) string {
	return fmt.Sprintf("views.%s_v%d", v.name+suffix, v.version)
}

// diff compares a row of a table of the view.
func (v *view) diff(position int64, table string, key func() string) *diff {
	return &diff{v.findings, position, table, key}
}
