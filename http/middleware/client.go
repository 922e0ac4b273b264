package middleware

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/massrouter/massrouter/http/request"
)

// The headers in which proxies tell of the client. Others, such as Forwarded and X-Real-Ip, are not read: each would be one more
// that a proxy has to overwrite.
const (
	forwardedFor   = "X-Forwarded-For"
	forwardedProto = "X-Forwarded-Proto"
)

// maxHops bounds how many entries of X-Forwarded-For are read.
const maxHops = 32

// Client finds out who sends each request: see request.Client. What headers say counts only as far as trusted proxies have written it:
// X-Forwarded-For is read from its end, and the first address that is no trusted proxy's is the client's. A request
// within another one keeps its client.
func Client(trusted []netip.Prefix) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c := request.ClientOf(r.Context())
			if c.Inner = c.Address.IsValid(); !c.Inner {
				c = clientOf(r, trusted)
			}
			next.ServeHTTP(w, r.WithContext(request.WithClient(r.Context(), c)))
		})
	}
}

func clientOf(r *http.Request, trusted []netip.Prefix) request.Client {
	c := request.Client{Secure: r.TLS != nil}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return c
	}
	c.Address = peer.Addr().Unmap().WithZone("")
	if !Within(trusted, c.Address) {
		return c
	}
	if protos := r.Header.Values(forwardedProto); !c.Secure && len(protos) == 1 {
		c.Secure = strings.EqualFold(strings.TrimSpace(protos[0]), "https")
	}
	c.Address = walk(c.Address, r.Header.Values(forwardedFor), trusted)
	return c
}

// walk goes from a trusted proxy towards the client. Where an entry is no address, what is beyond it is not known, and the last
// proxy stands for it.
func walk(proxy netip.Addr, headers []string, trusted []netip.Prefix) netip.Addr {
	hops := 0
	for i := len(headers) - 1; i >= 0; i-- {
		rest := headers[i]
		for rest != "" && hops < maxHops {
			hops++
			at := strings.LastIndexByte(rest, ',')
			a, ok := parseHop(rest[at+1:])
			if !ok {
				return proxy
			}
			if !Within(trusted, a) {
				return a
			}
			proxy, rest = a, rest[:max(at, 0)]
		}
	}
	return proxy
}

// parseHop reads an address, with or without a port.
func parseHop(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return a.Unmap().WithZone(""), err == nil
}

// Within says whether an address is in one of the networks.
func Within(networks []netip.Prefix, a netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}
