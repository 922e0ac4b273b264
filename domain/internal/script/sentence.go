package script

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/massrouter/massrouter/domain/money"
)

// sentence is a form that statements may have. In a pattern {word} is a placeholder, [ ] encloses what may be left
// out, and | divides alternatives in ( ).
type sentence struct {
	pattern string
	run     func(a args) error
}

// args are what stood at the placeholders, in order; "" for what was left out.
type args struct {
	values []string
	table  [][]string
}

var errUnknown = errors.New("no sentence has this form")

// match finds the sentence of a statement and runs it.
func match(sentences []sentence, s statement) error {
	for _, candidate := range sentences {
		found := expression(candidate.pattern).FindStringSubmatch(s.text)
		if found != nil {
			return candidate.run(args{values: found[1:], table: s.table})
		}
	}
	return errUnknown
}

func expression(pattern string) *regexp.Regexp {
	return regexp.MustCompile("^" + strings.NewReplacer(
		"[", "(?:", "]", ")?",
		"{amount}", `(-?[0-9]+(?:\.[0-9]+)?)`,
		"{n}", `([0-9]+)`,
		"{name}", `([A-Za-z0-9_-]+)`,
		"{currency}", `([A-Za-z]+)`,
		"{time}", `([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(?::[0-9]{2})?)`,
		"{clock}", `([0-9]{2}:[0-9]{2})`,
		"{duration}", `([0-9]+ (?:microsecond|second|minute|hour|day)s?)`,
		"{text}", `(.+)`,
	).Replace(pattern) + "$")
}

func (a args) amount(i int) (money.Amount, error) { return money.Parse(a.values[i]) }

func (a args) number(i int) (int64, error) { return strconv.ParseInt(a.values[i], 10, 64) }

func (a args) time(i int) (time.Time, error) {
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, a.values[i]); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time", a.values[i])
}

// duration reads "10 minutes"; what was left out is the fallback.
func (a args) duration(i int, fallback time.Duration) (time.Duration, error) {
	if a.values[i] == "" {
		return fallback, nil
	}
	count, unit, _ := strings.Cut(a.values[i], " ")
	n, err := strconv.ParseInt(count, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is no duration: %w", a.values[i], err)
	}
	return time.Duration(n) * map[string]time.Duration{
		"microsecond": time.Microsecond, "second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour,
	}[strings.TrimSuffix(unit, "s")], nil
}

// noTable refuses indented lines below a sentence that has no use for them.
func (a args) noTable() error {
	if len(a.table) > 0 {
		return errors.New("there is nothing to list below this line")
	}
	return nil
}

// plain is a sentence without a table.
func plain(pattern string, run func(a args) error) sentence {
	return sentence{pattern, func(a args) error {
		if err := a.noTable(); err != nil {
			return err
		}
		return run(a)
	}}
}
