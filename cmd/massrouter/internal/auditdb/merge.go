package auditdb

import (
	"context"
	"math"
)

// layout is how a table with a row an event is read and compared. T is a row, as it is stored or as it should be.
type layout[T any] struct {
	name     string // of the table
	columns  string // in the order of scan and encode; amounts and documents as texts
	order    string // that of the events
	scan     func(*row) T
	encode   func(*encoder, *T) // nil for a table that is never screened
	position func(*T) int64
	key      func(*T) string
	compare  func(d *diff, stored, want *T)
}

// merge compares a table whose rows come in the order of events with what the events call for; or only screens it.
type merge[T any] struct {
	layout[T]

	view     *view
	rows     *cursor[T]
	screened *screened // then there is no cursor
}

// newMerge compares row by row.
func newMerge[T any](ctx context.Context, v *view, l layout[T]) (*merge[T], error) {
	rows, err := openCursor(ctx, v.s, l.name, `SELECT `+l.columns+` FROM `+l.name+` ORDER BY `+l.order, l.scan)
	if err != nil {
		return nil, err
	}
	return &merge[T]{layout: l, view: v, rows: rows}, nil
}

// newScreened screens the table if the session does that.
func newScreened[T any](ctx context.Context, v *view, l layout[T]) (*merge[T], error) {
	if v.s.screen == nil {
		return newMerge(ctx, v, l)
	}
	return &merge[T]{layout: l, view: v, screened: v.s.screen.add(l.name, l.columns, "")}, nil
}

// check compares the row that an event calls for. Rows before it that no event called for are reported.
func (m *merge[T]) check(want *T) error {
	if m.screened != nil {
		m.count(want)
		return nil
	}
	stored, found, err := m.next(want)
	if found {
		m.compare(m.diff(want), stored, want)
	}
	return err
}

// count adds a row to those that should be there.
func (m *merge[T]) count(want *T) {
	e := &m.screened.want
	e.begin()
	m.encode(e, want)
	e.end()
}

func (m *merge[T]) diff(want *T) *diff {
	return m.view.diff(m.position(want), m.name, func() string { return m.key(want) })
}

// next is the row that is stored for an event, if it is there.
func (m *merge[T]) next(want *T) (row *T, found bool, err error) {
	position := m.position(want)
	if err := m.skip(position); err != nil {
		return nil, false, err
	}
	if !m.rows.more || m.position(&m.rows.head) != position {
		m.view.findings.Addf(position, RowMissing, m.name+" "+m.key(want), "the event at position %d calls for a row", position)
		return nil, false, nil
	}
	stored, err := m.rows.take()
	return &stored, true, err
}

// skip reports all rows before a position.
func (m *merge[T]) skip(before int64) error {
	for m.rows.more && m.position(&m.rows.head) < before {
		extra, err := m.rows.take()
		if err != nil {
			return err
		}
		m.view.findings.Addf(m.position(&extra), RowExtra, m.name+" "+m.key(&extra), "no event up to position %d calls for it", m.view.position)
	}
	return nil
}

// end reports all rows that are left.
func (m *merge[T]) end() error {
	if m.screened != nil {
		return nil
	}
	return m.skip(math.MaxInt64)
}

// table is for the time when everything was read.
func (m *merge[T]) table() Table {
	t := Table{Name: m.name, Position: m.view.position}
	if m.screened != nil {
		t.Rows = m.screened.stored.rows
	} else {
		t.Rows = m.rows.passed
	}
	return t
}

func (m *merge[T]) close() {
	if m != nil {
		m.rows.close()
	}
}
