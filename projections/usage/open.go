package usage

import (
	"strings"

	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// open is what a batch adds to the calls of the minute that is not over: a row each.
type open struct {
	position        column.Ints
	keys            keyColumns
	class           column.Texts
	counts          [countColumns + tokenColumns]column.Ints
	amounts         [3]column.Amounts
	first, duration column.Ints
}

func (o *open) fold(event wallet.Event, at *runner.Event) error {
	k, ended, err := keyOf(event, at)
	if err != nil || !ended {
		return err
	}
	var s Sums
	o.class.Add(s.count(event))
	o.position.Add(at.Position)
	o.keys.add(&k)
	for j, n := range s.counts() {
		o.counts[j].Add(*n)
	}
	for j, a := range s.amounts() {
		o.amounts[j].Add(*a)
	}
	o.first.Add(s.FirstToken.only())
	o.duration.Add(s.Duration.only())
	return nil
}

// only is the element of a histogram of at most one value; 0 when it has none.
func (h Histogram) only() int64 {
	if len(h) == 0 {
		return 0
	}
	return h[0]
}

func (o *open) write(w *runner.Writes) {
	columns := append([]column.Array{&o.position}, o.keys.arrays()...)
	columns = append(columns, &o.class)
	for j := range o.counts {
		columns = append(columns, &o.counts[j])
	}
	for j := range o.amounts {
		columns = append(columns, &o.amounts[j])
	}
	names := "position, " + keyNames + ", class, " + strings.Join(sumColumns(), ", ") + ", first_token, duration"
	w.Insert("views.usage_open_v1", names, append(columns, &o.first, &o.duration)...)
}
