package usage

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/massrouter/massrouter/projections/runner"
)

// openMinute is the minute that is not over: its calls so far, added up, and how many rows they have.
type openMinute struct {
	calls *batch
	rows  int
}

// Carry implements runner.Carrier.
func (Projection) Carry(ctx context.Context, query runner.Querier) (any, error) {
	//nolint:rowserrcheck // ForEachRow checks it
	rows, err := query.Query(ctx, `SELECT `+keyNames+`, class, `+openSums()+` FROM `+openTable)
	if err != nil {
		return nil, fmt.Errorf("read the open minute: %w", err)
	}
	c := &openMinute{calls: newBatch()}
	var bucket time.Time
	var k errorKey
	var s Sums
	columns := []any{&bucket, (*[16]byte)(&k.wallet), (*[16]byte)(&k.key.key), (*[16]byte)(&k.app), &k.model, &k.endpoint, (*string)(&k.currency), &k.class}
	for at := range sumList() {
		columns = append(columns, s.scan(at))
	}
	_, err = pgx.ForEachRow(rows, columns, func() error {
		k.bucket = bucket.Unix()
		c.rows++
		c.calls.rows.get(k.key).add(&s)
		if k.class != "" {
			*c.calls.errors.get(k)++
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the open minute: %w", err)
	}
	return c, nil
}

// openSums are the columns of sumList as Sums.scan reads them.
func openSums() string {
	list := sumList()
	for i := range list[firstAmount:firstHistogram] {
		list[firstAmount+i] += "::text"
	}
	for i := range list[firstHistogram:] {
		list[firstHistogram+i] = "numeric_send(" + list[firstHistogram+i] + ")"
	}
	return strings.Join(list, ", ")
}
