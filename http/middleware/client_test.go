package middleware_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/http/middleware"
	"github.com/massrouter/massrouter/http/request"
)

func clientOf(r *http.Request, trusted ...string) (c request.Client) {
	networks := make([]netip.Prefix, len(trusted))
	for i, t := range trusted {
		networks[i] = netip.MustParsePrefix(t)
	}
	middleware.Client(networks)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		c = request.ClientOf(r.Context())
	})).ServeHTTP(httptest.NewRecorder(), r)
	return c
}

func TestHeadersCountAsFarAsTrustedProxiesWroteThem(t *testing.T) {
	t.Parallel()
	proxies := []string{"10.0.0.0/8", "2001:db8:1::/48"}
	for name, row := range map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"direct":                         {"203.0.113.9:1", nil, "203.0.113.9"},
		"a stranger's header":            {"203.0.113.9:1", []string{"198.51.100.1"}, "203.0.113.9"},
		"one proxy":                      {"10.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
		"made up before it":              {"10.0.0.1:1", []string{"127.0.0.1, 10.9.9.9, 198.51.100.1"}, "198.51.100.1"},
		"made up in a header of its own": {"10.0.0.1:1", []string{"127.0.0.1", "198.51.100.1"}, "198.51.100.1"},
		"two proxies":                    {"10.0.0.1:1", []string{"198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		"two proxies in two headers":     {"10.0.0.1:1", []string{"198.51.100.1", "10.0.0.2"}, "198.51.100.1"},
		"a proxy without a header":       {"10.0.0.1:1", nil, "10.0.0.1"},
		"only proxies":                   {"10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"no address":                     {"10.0.0.1:1", []string{"198.51.100.1, unknown, 10.0.0.2"}, "10.0.0.2"},
		"an empty entry":                 {"10.0.0.1:1", []string{"198.51.100.1, "}, "10.0.0.1"},
		"with a port":                    {"10.0.0.1:1", []string{"198.51.100.1:443"}, "198.51.100.1"},
		"IPv6":                           {"[2001:db8:1::7]:1", []string{"2001:db8:2::5"}, "2001:db8:2::5"},
		"IPv6 with brackets":             {"[2001:db8:1::7]:1", []string{"[2001:db8:2::5]"}, "2001:db8:2::5"},
		"IPv6 with a port":               {"[2001:db8:1::7]:1", []string{"[2001:db8:2::5]:80"}, "2001:db8:2::5"},
		"IPv4 in IPv6":                   {"[::ffff:10.0.0.1]:1", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		"a zone":                         {"[fe80::1%eth0]:1", nil, "fe80::1"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = row.peer, row.forwarded
		require.Equal(t, netip.MustParseAddr(row.want), clientOf(r, proxies...).Address, name)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.RemoteAddr = "@"
	require.Equal(t, request.Client{}, clientOf(r, proxies...), "no address is nobody's")
	r.RemoteAddr = "10.0.0.1:1"
	r.Header.Set("X-Forwarded-For", "198.51.100.1"+strings.Repeat(",10.0.0.2", 1000))
	require.Equal(t, netip.MustParseAddr("10.0.0.2"), clientOf(r, proxies...).Address, "so many are not read")
}

func TestSecureIsWhatATrustedProxySays(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		peer  string
		proto []string
		tls   bool
		want  bool
	}{
		{"10.0.0.1:1", nil, false, false},
		{"10.0.0.1:1", []string{"https"}, false, true},
		{"10.0.0.1:1", []string{"http"}, false, false},
		{"10.0.0.1:1", []string{"https", "http"}, false, false},
		{"203.0.113.9:1", []string{"https"}, false, false},
		{"203.0.113.9:1", nil, true, true},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-Proto"], r.TLS = row.peer, row.proto, nil
		if row.tls {
			r.TLS = &tls.ConnectionState{}
		}
		require.Equal(t, row.want, clientOf(r, "10.0.0.0/8").Secure, row)
	}
}

// Whatever a caller writes, the address is the one that the outermost trusted proxy saw.
func TestNobodyChoosesTheirAddress(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr = "10.0.0.1:1"
		made := rapid.SliceOfN(rapid.StringMatching(`[0-9a-f.:, \[\]]{0,40}`), 0, 3).Draw(t, "made up")
		proxies := rapid.SliceOfN(rapid.Just("10.0.0.2"), 0, 3).Draw(t, "proxies")
		r.Header["X-Forwarded-For"] = append(made, strings.Join(append([]string{"198.51.100.1"}, proxies...), ", "))
		if got := clientOf(r, "10.0.0.0/8").Address; got != netip.MustParseAddr("198.51.100.1") {
			t.Fatalf("got %s", got)
		}
	})
}

func TestARequestWithinAnotherKeepsItsClient(t *testing.T) {
	t.Parallel()
	outer := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	outer.RemoteAddr = "203.0.113.9:1"
	middleware.Client(nil)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		assert.False(t, request.ClientOf(r.Context()).Inner)
		inner := httptest.NewRequestWithContext(r.Context(), http.MethodGet, "/", nil)
		inner.RemoteAddr = ""
		assert.Equal(t, request.Client{Address: netip.MustParseAddr("203.0.113.9"), Inner: true}, clientOf(inner))
	})).ServeHTTP(httptest.NewRecorder(), outer)
}

func TestNetworksAreWhatASubscriberHas(t *testing.T) {
	t.Parallel()
	require.Equal(t, "203.0.113.9/32", request.Network(netip.MustParseAddr("203.0.113.9")).String())
	require.Equal(t, "2001:db8:1:2::/64", request.Network(netip.MustParseAddr("2001:db8:1:2:3:4:5:6")).String())
	require.Equal(t, netip.Prefix{}, request.Network(netip.Addr{}))
}
