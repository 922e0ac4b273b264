package routing

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"

	"github.com/massrouter/massrouter/domain/money"
)

// token reads a value that is no object and no array. null is one without an error.
func (r *reader) token(param, what string, kinds ...jsontext.Kind) (t jsontext.Token, null bool, err error) {
	if t, err = r.dec.ReadToken(); err != nil {
		return t, false, broken(param, err)
	}
	if t.Kind() == 'n' {
		return t, true, nil
	}
	if !slices.Contains(kinds, t.Kind()) {
		return t, false, refuse(param, "%s is %s", param, what)
	}
	return t, false, nil
}

func (r *reader) boolean(param string, v *bool) error {
	t, null, err := r.token(param, "true or false", 't', 'f')
	if err != nil || null {
		return err
	}
	*v = t.Bool()
	return nil
}

func (r *reader) choice(param string, v *string, choices ...string) error {
	t, null, err := r.token(param, "a string", '"')
	if err != nil || null {
		return err
	}
	if *v = t.String(); !slices.Contains(choices, *v) {
		return refuse(param, "%s is one of: %s", param, strings.Join(choices, ", "))
	}
	return nil
}

func (r *reader) sort(param string, s *Sort) error {
	var choice string
	if err := r.choice(param, &choice, string(ByPrice), string(ByThroughput), string(ByLatency)); err != nil {
		return err
	}
	*s = Sort(choice)
	return nil
}

// list reads an array of strings, or null for none.
func (r *reader) list(param string, most, longest int, item func(string) error) error {
	if _, null, err := r.token(param, "a list of strings", '['); err != nil || null {
		return err
	}
	for n := 0; ; n++ {
		t, err := r.dec.ReadToken()
		if err != nil {
			return broken(param, err)
		}
		if t.Kind() == ']' {
			return nil
		}
		if t.Kind() != '"' {
			return refuse(param, "%s is a list of strings", param)
		}
		s := t.String()
		if n == most || s == "" || len(s) > longest {
			return refuse(param, "%s has at most %d items of 1 to %d bytes", param, most, longest)
		}
		if err := item(s); err != nil {
			return err
		}
	}
}

// providers reads names of providers, folded; a name that comes twice counts once.
func (r *reader) providers(param string, v *[]string) error {
	return r.list(param, maxList, maxName, func(name string) error {
		if name = fold(name); !slices.Contains(*v, name) {
			*v = append(*v, name)
		}
		return nil
	})
}

func (r *reader) choices(param string, v *[]string, choices []string) error {
	return r.list(param, maxList, maxName, func(name string) error {
		if !slices.Contains(choices, name) {
			return refuse(param, "%s has items of: %s", param, strings.Join(choices, ", "))
		}
		*v = append(*v, name)
		return nil
	})
}

// cutoffs reads a number, which bounds the median, or an object of percentiles.
func (r *reader) cutoffs(param string, c *Cutoffs) error {
	if r.dec.PeekKind() != '{' {
		return r.cutoff(param, &c[P50])
	}
	return r.object(param, func(r *reader, name, param string) error {
		p := slices.Index([]string{"p50", "p75", "p90", "p99"}, name)
		if p < 0 {
			return r.unknown(param)
		}
		return r.cutoff(param, &c[p])
	})
}

func (r *reader) cutoff(param string, v *float64) error {
	const most = 1e9
	t, null, err := r.token(param, "a number above 0", '0')
	if err != nil || null {
		return err
	}
	f, err := strconv.ParseFloat(t.String(), 64)
	if err != nil || math.IsNaN(f) || f <= 0 || f > most {
		return refuse(param, "%s is a number above 0, and at most 1000000000", param)
	}
	*v = f
	return nil
}

// price reads an exact decimal, as a string or as a number.
func (r *reader) price(param string, l *Limit) error {
	t, null, err := r.token(param, "a price: a decimal, as a string or a number", '"', '0')
	if err != nil || null {
		return err
	}
	text := t.String()
	if t.Kind() == '0' {
		text = plain(text)
	}
	price, err := money.ParsePrice(text)
	if err != nil {
		return refuse(param, "%s is a price: not negative, with at most 18 digits before and 12 after the point", param)
	}
	*l = Limit{Set: true, Amount: price.Times(1)}
	return nil
}

// plain writes a JSON number without exponent. One whose exponent is absurd stays as it is, which is no price.
func plain(number string) string {
	at := strings.IndexAny(number, "eE")
	if at < 0 {
		return number
	}
	if e, err := strconv.Atoi(number[at+1:]); err != nil || e < -60 || e > 60 || at > 60 {
		return number
	}
	d, err := decimal.NewFromString(number)
	if err != nil {
		return number
	}
	return d.String()
}

// fold makes names of providers comparable: OpenRouter takes slugs and display names alike.
func fold(name string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == ' ' || c == '_':
			return '-'
		case 'A' <= c && c <= 'Z':
			return c + 'a' - 'A'
		}
		return c
	}, name)
}
