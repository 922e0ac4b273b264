package script

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// price publishes a price version from a table of rates.
func (w *world) price(a args) error {
	v := catalog.PriceVersion{ID: idOf("price", a.values[0]), Currency: money.USD}
	if a.values[1] != "" {
		v.Currency = money.Currency(a.values[1])
	}
	if a.values[2] != "" {
		from, err := a.time(2)
		if err != nil {
			return err
		}
		v.EffectiveFrom = from
	}
	if err := readSchedules(&v, a.table); err != nil {
		return err
	}
	e, err := w.endpoint.PublishPrice(v, w.now)
	if err != nil {
		return err
	}
	w.endpoint.Apply(e, w.now)
	return nil
}

// readSchedules reads rates ("input 0.00000125") under the base, under the conditions of overrides, and after "the
// vendor bills" once more for the cost.
func readSchedules(v *catalog.PriceVersion, table [][]string) error {
	schedule := &v.Price
	schedule.Base = catalog.Rates{}
	rates := schedule.Base
	for _, row := range table {
		text := strings.Join(row, " ")
		if text == "the vendor bills" {
			v.Cost = &catalog.Schedule{Base: catalog.Rates{}}
			schedule, rates = v.Cost, v.Cost.Base
			continue
		}
		if o, ok := readCondition(text); ok {
			schedule.Overrides = append(schedule.Overrides, o)
			rates = o.Rates
			continue
		}
		if len(row) != 2 {
			return fmt.Errorf("a rate is a class and a price, not %q", text)
		}
		price, err := money.ParsePrice(row[1])
		if err != nil {
			return err
		}
		rates[usage.Class(row[0])] = price
	}
	return nil
}

// readCondition reads "above 200000 prompt tokens", "from 22:00 to 06:00", or both.
func readCondition(text string) (catalog.Override, bool) {
	o := catalog.Override{Rates: catalog.Rates{}}
	found := regexp.MustCompile(`^(?:above ([0-9]+) prompt tokens)? ?(?:from (\S+) to (\S+))?$`).FindStringSubmatch(text)
	if found == nil {
		return o, false
	}
	if found[1] != "" {
		n, err := strconv.ParseInt(found[1], 10, 64)
		if err != nil {
			return o, false
		}
		o.MinPromptTokens = n
	}
	o.UTCStart, o.UTCEnd = found[2], found[3]
	return o, true
}
