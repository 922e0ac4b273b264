// Package auditdb is the reading side of the auditor: it hands the raw rows of the log in PostgreSQL to package audit and
// compares every other table of the ledger, and every read model, with what the events amount to. It trusts nothing but
// the rows of ledger.events: what each table should hold is worked out here, not by the code that wrote it.
//
// All tables are read as of one snapshot, so the service may go on meanwhile. A read model is compared as of its own
// checkpoint, wherever that is.
package auditdb

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/eventstore"
)

// Options of a run.
type Options struct {
	Registry *domain.Registry
	Shard    int16
	Keep     int // findings that are kept; all are counted
	// Progress, when given, is told now and then how many events of all have been verified, and how many a second.
	Progress func(done, all, perSecond int64)
}

// Result is what was checked and what is wrong.
type Result struct {
	OK        bool          `json:"ok"`
	Log       *audit.Report `json:"log"`
	Tables    []Table       `json:"tables"`
	Took      time.Duration `json:"took_ns"`
	PerSecond int64         `json:"events_per_second"` // with all comparisons
	// Passes is how often everything was read: once when all is well, else again, row by row, to say what is wrong.
	Passes int `json:"passes"`
}

// Table is one table that was compared.
type Table struct {
	Name     string `json:"table"`
	Rows     int64  `json:"rows"`
	Position int64  `json:"position"`       // as of which event
	Note     string `json:"note,omitempty"` // why it was not compared
}

// What can be wrong with a table, beside what package audit finds in the events.
const (
	RowMissing audit.Code = "row_missing" // the events call for a row that is not there
	RowExtra   audit.Code = "row_extra"   // no event calls for the row
	RowDiffers audit.Code = "row_differs" // a column is not what the events make it
	ViewAhead  audit.Code = "view_ahead"  // a read model is past the end of the log
)

// comparer compares one or more tables with the log.
type comparer interface {
	audit.Observer
	tables() []Table
	close()
}

// Connections is how many of its pool's connections one run reads over at the same time.
const Connections = 13

// Verify checks the ledger that the pool leads to. The error says that it could not be read; what is wrong with it is in
// the result.
func Verify(ctx context.Context, pool *pgxpool.Pool, o Options) (*Result, error) {
	if pool.Config().MaxConns < Connections {
		return nil, fmt.Errorf("an audit needs a pool of %d connections or more", Connections)
	}
	started := time.Now()
	s, err := open(ctx, pool, o.Shard)
	if err != nil {
		return nil, err
	}
	defer s.close(ctx)
	if s.screen, err = newScreen(); err != nil {
		return nil, err
	}
	passes := 1
	r, err := s.verify(ctx, &o, started)
	if err == nil && !r.OK { // which rows, only reading all of them in order tells
		s.screen, passes = nil, 2
		r, err = s.verify(ctx, &o, started)
	}
	if err != nil {
		return nil, err
	}
	r.Passes, r.Took = passes, time.Since(started)
	r.PerSecond = rate(r.Log.Events, r.Took)
	return r, nil
}

const usedBatches = 8 // that wait to be filled again

// verify reads everything once.
func (s *session) verify(ctx context.Context, o *Options, started time.Time) (*Result, error) {
	findings := audit.NewFindings(o.Keep)
	comparers, err := s.comparers(ctx, findings)
	defer func() {
		for _, c := range comparers {
			c.close()
		}
	}()
	if err != nil {
		return nil, err
	}
	last, err := s.last(ctx)
	if err != nil {
		return nil, err
	}
	observers := []audit.Observer{&meter{report: o.Progress, all: last, started: started}}
	for _, c := range comparers {
		observers = append(observers, c)
	}
	var report *audit.Report
	reading, together := errgroup.WithContext(ctx)
	if s.screen != nil {
		s.screen.read(together, s, reading)
	}
	reading.Go(func() (err error) {
		used := make(chan []eventstore.Event, usedBatches)
		report, err = audit.Verify(together, s.events(together, used), audit.Options{
			Registry: o.Registry, Findings: findings, Observers: observers, Documents: s.screen != nil, Done: func(events []eventstore.Event) {
				select {
				case used <- events:
				default:
				}
			},
		})
		return err
	})
	if err := reading.Wait(); err != nil {
		return nil, err
	}
	r := &Result{OK: report.FindingCount == 0 && (s.screen == nil || s.screen.agrees()), Log: report}
	r.Tables = append(r.Tables, Table{Name: "ledger.events", Rows: report.Events, Position: report.Position})
	for _, c := range comparers {
		r.Tables = append(r.Tables, c.tables()...)
	}
	return r, nil
}

// comparers are all tables beside the events.
func (s *session) comparers(ctx context.Context, findings *audit.Findings) ([]comparer, error) {
	all := []comparer{newHeads(s, findings), newStreams(s, findings)}
	for _, begin := range []func(context.Context, *session, *audit.Findings) (comparer, error){newCommands, newSnapshots, newTransparency, newViews, newTrailed} {
		c, err := begin(ctx, s, findings)
		if c != nil {
			all = append(all, c)
		}
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func rate(events int64, took time.Duration) int64 {
	return events * int64(time.Second) / max(int64(took), 1)
}

// meter tells the progress about once a second.
type meter struct {
	report  func(done, all, perSecond int64)
	all     int64
	started time.Time
	done    int64
	told    time.Time
}

// Observe counts.
func (m *meter) Observe(context.Context, *audit.Step) error {
	const often = 1000 // events between two looks at the clock
	if m.done++; m.done%often != 0 || m.report == nil {
		return nil
	}
	if now := time.Now(); now.Sub(m.told) >= time.Second {
		m.told = now
		m.report(m.done, m.all, rate(m.done, now.Sub(m.started)))
	}
	return nil
}

// End has nothing to say.
func (m *meter) End(context.Context, *audit.State) error { return nil }
