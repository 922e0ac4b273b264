package inference

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/http/request"
)

// parameters reads a query string. The first mistake is kept for done; after it what is read means nothing.
type parameters struct {
	given url.Values
	known map[string]bool
	err   error
}

func newParameters(q url.Values) *parameters { return &parameters{given: q, known: map[string]bool{}} }

// done says what is wrong: a parameter that is malformed, or one that nobody asked for.
func (p *parameters) done() error {
	for name := range p.given {
		if !p.known[name] && p.err == nil {
			p.err = domain.Errorf(domain.CodeInvalid, "there is a query parameter that this operation does not have").
				With(detailParam, request.Shorten(name))
		}
	}
	return p.err
}

func (p *parameters) refuse(name string) {
	if p.err == nil {
		p.err = badParameter(name)
	}
}

func badParameter(name string) error {
	return domain.Errorf(domain.CodeInvalid, "the parameter %s is malformed or out of range", name).With(detailParam, name)
}

func (p *parameters) has(name string) bool { return p.given.Has(name) }

func (p *parameters) text(name string) string {
	p.known[name] = true
	if len(p.given[name]) > 1 {
		p.refuse(name)
	}
	return p.given.Get(name)
}

// list is a comma-separated list in lower case.
func (p *parameters) list(name string) []string {
	return strings.FieldsFunc(strings.ToLower(p.text(name)), func(r rune) bool { return r == ',' || r == ' ' })
}

// names is a comma-separated list of what may have spaces, in lower case.
func (p *parameters) names(name string) []string {
	var out []string
	for part := range strings.SplitSeq(strings.ToLower(p.text(name)), ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func (p *parameters) oneOf(name string, choices ...string) string {
	value := p.text(name)
	if p.has(name) && !slices.Contains(choices, value) {
		p.refuse(name)
	}
	return value
}

func (p *parameters) whole(name string, otherwise, least, most int64) int64 {
	text := p.text(name)
	if !p.has(name) {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		p.refuse(name)
		return otherwise
	}
	return n
}

// amount is an exact number that is not negative, nil when it is not given.
func (p *parameters) amount(name string) *money.Amount {
	text := p.text(name)
	if !p.has(name) {
		return nil
	}
	amount, err := money.Parse(text)
	if err != nil || amount.Sign() < 0 {
		p.refuse(name)
		return nil
	}
	return &amount
}
