package usage

import (
	"github.com/massrouter/massrouter/projections/column"
	"github.com/massrouter/massrouter/projections/runner"
)

// keyColumns are the columns of a key.
type keyColumns struct {
	bucket                    column.Times
	wallet, key, app          column.UUIDs
	model, endpoint, currency column.Texts
}

func (c *keyColumns) add(k *key) {
	c.bucket.Add(k.at())
	c.wallet.Add(k.wallet)
	c.key.Add(k.key)
	c.app.Add(k.app)
	c.model.Add(k.model)
	c.endpoint.Add(k.endpoint)
	c.currency.Add(string(k.currency))
}

func (c *keyColumns) arrays() []column.Array {
	return []column.Array{&c.bucket, &c.wallet, &c.key, &c.app, &c.model, &c.endpoint, &c.currency}
}

// sumColumns are the columns of sums.
type sumColumns struct {
	counts          [countColumns + tokenColumns]column.Ints
	amounts         [amountColumns]column.Amounts
	first, duration column.Numerics
}

func (c *sumColumns) add(s *Sums) {
	for j, n := range s.counts() {
		c.counts[j].Add(*n)
	}
	for j, a := range s.amounts() {
		c.amounts[j].Add(*a)
	}
	c.first.Add(s.FirstToken.number())
	c.duration.Add(s.Duration.number())
}

func (c *sumColumns) arrays() []column.Array {
	var out []column.Array
	for j := range c.counts {
		out = append(out, &c.counts[j])
	}
	for j := range c.amounts {
		out = append(out, &c.amounts[j])
	}
	return append(out, &c.first, &c.duration)
}

// write adds minutes that are over, each of them whole.
func (b *batch) write(w *runner.Writes) {
	b.addAll()
	var keys keyColumns
	var sums sumColumns
	for i := range b.rows.order {
		k := &b.rows.order[i]
		keys.add(k)
		sums.add(b.rows.byKey[*k])
	}
	w.Insert(ofCalls.table(Minute), keyNames+", "+sumNames(), append(keys.arrays(), sums.arrays()...)...)
	b.writeErrors(w)
}

func (b *batch) writeErrors(w *runner.Writes) {
	var keys keyColumns
	var class column.Texts
	var n column.Ints
	for i := range b.errors.order {
		k := &b.errors.order[i]
		keys.add(&k.key)
		class.Add(k.class)
		n.Add(*b.errors.byKey[*k])
	}
	w.Insert(ofErrors.table(Minute), keyNames+", class, errors", append(keys.arrays(), &class, &n)...)
}
