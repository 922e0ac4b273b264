package middleware

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/request"
)

// Rules say from which networks requests are answered. The zero value answers all.
type Rules struct {
	Deny    []netip.Prefix // from these nothing is answered, whatever else is said
	Allow   []netip.Prefix // when there are any, nothing is answered from others
	Console []netip.Prefix // when there are any, the console is not answered from others
}

const maxRules = 100_000

// ParseRules reads one rule a line: "deny", "allow" or "console" and a network or an address. What follows a # is a comment.
func ParseRules(text string) (Rules, error) {
	var rules Rules
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		kinds := map[string]*[]netip.Prefix{"deny": &rules.Deny, "allow": &rules.Allow, "console": &rules.Console}
		list, ok := kinds[words[0]]
		if !ok || len(words) != 2 {
			return Rules{}, fmt.Errorf("line %d: a rule is deny, allow or console, and a network", n)
		}
		network, err := ParseNetwork(words[1])
		if err != nil {
			return Rules{}, fmt.Errorf("line %d: %w", n, err)
		}
		if n > maxRules {
			return Rules{}, fmt.Errorf("there are more than %d lines", maxRules)
		}
		*list = append(*list, network)
	}
	return rules, nil
}

// ParseNetwork reads a network in CIDR notation, or an address, which is a network of one.
func ParseNetwork(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is no network such as 203.0.113.0/24", text)
	}
	return p.Masked(), nil
}

// Allows says whether a request from an address is answered.
func (s Rules) Allows(from netip.Addr, console bool) bool {
	switch {
	case Within(s.Deny, from):
		return false
	case len(s.Allow) > 0 && !Within(s.Allow, from):
		return false
	}
	return !console || len(s.Console) == 0 || Within(s.Console, from)
}

// Gate refuses requests by rules that can be replaced while it works. The zero Gate lets all through.
type Gate struct{ rules atomic.Pointer[Rules] }

// Set replaces the rules.
func (g *Gate) Set(rules Rules) { g.rules.Store(&rules) }

// Middleware refuses by the rules; console says whether a request is for the console.
func (g *Gate) Middleware(console func(*http.Request) bool, refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if rules := g.rules.Load(); rules != nil && !rules.Allows(request.Address(r.Context()), console(r)) {
				refuse(w, r, domain.Errorf(domain.CodeForbidden, "requests from this address are not answered"))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
