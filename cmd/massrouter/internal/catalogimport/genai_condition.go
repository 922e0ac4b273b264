package catalogimport

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain/catalog"
)

// maxConditions bounds the work of one model.
const maxConditions = 32

// genaiConditional is a ConditionalPrice of genai-prices.
type genaiConditional struct {
	Constraint *genaiConstraint `json:"constraint"`
	Prices     jsontext.Value   `json:"prices"`
}

// genaiConstraint is a start date, or the hours of a day.
type genaiConstraint struct {
	StartDate string `json:"start_date"`
	StartTime string `json:"start_time"`
	EndTime   string `json:"end_time"`
}

// condition is a conditional price that was read: from a date on (zero: always), or in a window of each day.
type condition struct {
	from     time.Time
	windowed bool
	window
}

// genaiPrices reads the prices of a model: one set, or a list of which the last one that holds counts, and the first when
// none does.
func genaiPrices(raw jsontext.Value) ([]Dated, error) {
	if raw.Kind() != '[' {
		t, err := readTable(raw)
		if err != nil {
			return nil, within("prices", err)
		}
		prices := []Dated{{Price: schedule(t, nil)}}
		return prices, checkSchedules(prices)
	}
	var list []genaiConditional
	if err := json.Unmarshal(raw, &list, json.RejectUnknownMembers(true)); err != nil {
		return nil, within("prices", refuse(ReasonShape, "the conditional prices do not have their form"))
	}
	if len(list) == 0 || len(list) > maxConditions {
		return nil, within("prices", refuse(ReasonConstraint, "there are %d conditional prices; 1 to %d can be read", len(list), maxConditions))
	}
	conditions := make([]condition, len(list))
	for i, each := range list {
		c, err := readCondition(each)
		if err != nil {
			return nil, within("prices", err)
		}
		conditions[i] = c
	}
	prices := timeline(conditions)
	return prices, checkSchedules(prices)
}

func readCondition(each genaiConditional) (c condition, err error) {
	if c.table, err = readTable(each.Prices); err != nil || each.Constraint == nil {
		return c, err
	}
	switch k := *each.Constraint; {
	case k.StartDate != "" && k.StartTime == "" && k.EndTime == "":
		if c.from, err = time.Parse(time.DateOnly, k.StartDate); err != nil {
			return c, refuse(ReasonConstraint, "the start_date %q is no date", clip(k.StartDate))
		}
	case k.StartDate == "" && k.StartTime != "" && k.EndTime != "":
		var ok1, ok2 bool
		c.windowed = true
		c.start, ok1 = minute(k.StartTime)
		c.end, ok2 = minute(k.EndTime)
		if !ok1 || !ok2 {
			return c, refuse(ReasonConstraint, "start_time and end_time are not whole minutes in UTC")
		}
		// The format's own reader never finds a time in a window that ends before it starts; here it would wrap midnight.
		if c.start >= c.end {
			return c, refuse(ReasonConstraint, "the window from %s to %s wraps midnight or is empty", c.start, c.end)
		}
	default:
		return c, refuse(ReasonConstraint, "a constraint is a start_date, or a start_time and an end_time")
	}
	return c, nil
}

// minute reads a time of day with its zone as "HH:MM" in UTC.
func minute(text string) (string, bool) {
	t, err := time.Parse("15:04:05Z07:00", text)
	if err != nil || t.Second() != 0 || t.Nanosecond() != 0 {
		return "", false
	}
	if _, offset := t.Zone(); offset != 0 {
		return "", false
	}
	return t.Format("15:04"), true
}

// timeline is the schedule from each start date on; dates begin at midnight UTC.
func timeline(conditions []condition) []Dated {
	dates := []time.Time{{}}
	for _, c := range conditions {
		if !slices.ContainsFunc(dates, c.from.Equal) {
			dates = append(dates, c.from)
		}
	}
	slices.SortFunc(dates, time.Time.Compare)
	var prices []Dated
	for _, from := range dates {
		price := scheduleAt(conditions, from)
		if n := len(prices); n == 0 || !sameSchedule(prices[n-1].Price, price) {
			prices = append(prices, Dated{From: from, Price: price})
		}
	}
	return prices
}

// scheduleAt is what counts on a date: the last of the always valid and begun prices, and the windows after it.
func scheduleAt(conditions []condition, date time.Time) catalog.Schedule {
	base := 0
	for i, c := range conditions {
		if !c.windowed && !c.from.After(date) {
			base = i
		}
	}
	var windows []window
	for _, c := range conditions[base+1:] {
		if c.windowed {
			windows = append(windows, c.window)
		}
	}
	return schedule(conditions[base].table, windows)
}
