package usage

import (
	"fmt"

	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/projections/column"
)

// Sums is what the calls of a group used, all of one currency. Every part adds up: the sum of a day is that of its hours.
type Sums struct {
	Calls      int64 // charged or released
	Charged    int64
	Errors     int64 // released, or charged with an error
	Cancelled  int64 // the client went away
	Estimated  int64 // charged by our own count of tokens
	Expired    int64 // holds that ended without news of their call; not in Calls
	Input      int64 // tokens that no cache served; so Prompt = Input + CacheRead + CacheWrite
	CacheRead  int64 // tokens
	CacheWrite int64 // tokens, however long they are kept
	Output     int64 // visible tokens; so Completion = Output + Reasoning
	Reasoning  int64 // tokens

	Charge        money.Amount // of which Uncollectible was not paid
	Uncollectible money.Amount
	VendorCost    money.Amount
	UpstreamCost  money.Amount // what vendors billed customers whose own keys they were called with

	FirstToken Histogram // milliseconds, of charged calls that say so
	Duration   Histogram
}

func (s *Sums) add(o *Sums) {
	to := s.counts()
	for i, n := range o.counts() {
		*to[i] += *n
	}
	s.Charge = s.Charge.Add(o.Charge)
	s.Uncollectible = s.Uncollectible.Add(o.Uncollectible)
	s.VendorCost = s.VendorCost.Add(o.VendorCost)
	s.UpstreamCost = s.UpstreamCost.Add(o.UpstreamCost)
	s.FirstToken.add(o.FirstToken)
	s.Duration.add(o.Duration)
}

const (
	countColumns  = 6
	tokenColumns  = 5
	amountColumns = 4

	firstAmount    = countColumns + tokenColumns // in sumList
	firstHistogram = firstAmount + amountColumns
)

// counts are the counters, in the order of the columns: first the calls, then the tokens.
func (s *Sums) counts() [countColumns + tokenColumns]*int64 {
	return [...]*int64{
		&s.Calls, &s.Charged, &s.Errors, &s.Cancelled, &s.Estimated, &s.Expired,
		&s.Input, &s.CacheRead, &s.CacheWrite, &s.Output, &s.Reasoning,
	}
}

// amounts are the sums of money, in the order of the columns.
func (s *Sums) amounts() [amountColumns]*money.Amount {
	return [...]*money.Amount{&s.Charge, &s.Uncollectible, &s.VendorCost, &s.UpstreamCost}
}

// text is the value of a column of sumList.
func (s *Sums) text(at int) string {
	switch {
	case at < firstAmount:
		return decimalOf(*s.counts()[at])
	case at < firstHistogram:
		return s.amounts()[at-firstAmount].String()
	}
	return s.histograms()[at-firstHistogram].text()
}

// scan is the target of a column of sumList, as questions show it.
func (s *Sums) scan(at int) any {
	switch {
	case at < firstAmount:
		return s.counts()[at]
	case at < firstHistogram:
		return column.Amount(s.amounts()[at-firstAmount])
	}
	return histogramScanner{s.histograms()[at-firstHistogram]}
}

// histograms are in the order of the columns.
func (s *Sums) histograms() [2]*Histogram { return [...]*Histogram{&s.FirstToken, &s.Duration} }

type histogramScanner struct{ to *Histogram }

// Scan implements sql.Scanner.
func (h histogramScanner) Scan(src any) (err error) {
	sent, ok := src.([]byte)
	if !ok {
		return fmt.Errorf("scan a histogram: the column is %T", src)
	}
	*h.to, err = histogramOf(sent)
	return err
}

// Prompt is the number of tokens that came in.
func (s *Sums) Prompt() int64 { return s.Input + s.CacheRead + s.CacheWrite }

// Completion is the number of tokens that were made.
func (s *Sums) Completion() int64 { return s.Output + s.Reasoning }
