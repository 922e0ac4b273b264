package usage

import (
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// openRows is what a batch adds to the calls of the minute that is not over: a row each.
type openRows struct {
	position column.Ints
	keys     keyColumns
	class    column.Texts
	sums     sumColumns
}

func (o *openRows) fold(event wallet.Event, at *runner.Event) error {
	k, ended, err := keyOf(event, at)
	if err != nil || !ended {
		return err
	}
	var s Sums
	o.class.Add(s.count(event))
	o.position.Add(at.Position)
	o.keys.add(&k)
	o.sums.add(&s)
	return nil
}

func (o *openRows) write(w *runner.Writes) {
	columns := append([]column.Array{&o.position, &o.class}, o.keys.arrays()...)
	w.Insert(openTable, "position, class, "+keyNames+", "+sumNames(), append(columns, o.sums.arrays()...)...)
}
