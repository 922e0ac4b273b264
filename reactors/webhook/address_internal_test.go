package webhook

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
)

func TestWhichAddressesAreReached(t *testing.T) {
	t.Parallel()
	refused := []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1", "127.255.255.254",
		"169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1",
		"192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::127.0.0.1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1",
		"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:10::1", "2001:20::1", "2001:db8::1",
		"2002:7f00:1::", "2002:a9fe:a9fe::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "fe80::1%eth0", "febf::1",
		"fec0::1", "ff02::1", "ff0e::1", "2606:4700::1111%eth0",
	}
	for _, text := range refused {
		require.ErrorIs(t, Policy{}.check(netip.MustParseAddr(text)), errAddress, text)
		require.ErrorIs(t, Policy{}.control("tcp", net.JoinHostPort(text, "443"), nil), errAddress, text)
	}
	for _, text := range []string{
		"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.255.255.255", "128.0.0.1", "169.253.255.255",
		"169.255.0.1", "172.15.255.255", "172.32.0.1", "192.0.1.1", "192.167.255.255", "192.169.0.1", "198.17.255.255", "198.20.0.1",
		"223.255.255.255", "::ffff:8.8.8.8", "2001:200::1", "2003::1", "2606:4700:4700::1111", "2a00:1450::1",
	} {
		require.NoError(t, Policy{}.check(netip.MustParseAddr(text)), text)
	}
	require.ErrorIs(t, Policy{}.check(netip.Addr{}), errAddress)
	require.ErrorIs(t, Policy{}.control("tcp", "nonsense", nil), errAddress)

	networks, err := ParseNetworks("10.1.0.0/16, fd00:1::/32")
	require.NoError(t, err)
	allowing := Policy{Allowed: networks}
	for text, want := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "10.2.0.1": false, "fd00:1::5": true, "fd00:2::5": false, "127.0.0.1": false, "8.8.8.8": true,
	} {
		require.Equal(t, want, allowing.check(netip.MustParseAddr(text)) == nil, text)
	}
	none, err := ParseNetworks("")
	require.NoError(t, err)
	require.Empty(t, none)
	for _, text := range []string{"10.0.0.0", "10.0.0.1/8", "x", "10.0.0.0/33", "::/129"} {
		_, err := ParseNetworks(text)
		require.Error(t, err, text)
	}
}

func TestWhichURLsAreTaken(t *testing.T) {
	t.Parallel()
	for text, host := range map[string]string{ //nolint:gosec // none of these is a credential
		"https://example.com":                         "example.com:443",
		"https://EXAMPLE.com./hook?token=a%20b":       "example.com:443",
		"https://example.com:8443/x":                  "example.com:8443",
		"https://8.8.8.8/":                            "8.8.8.8:443",
		"https://[2606:4700:4700::1111]:1/":           "2606:4700:4700::1111:1",
		"https://xn--bcher-kva.example/":              "xn--bcher-kva.example:443",
		"HTTPS://example.com/%7E?x=/../y&https://a@b": "example.com:443",
	} {
		got, err := Policy{}.checkURL(text)
		require.NoError(t, err, text)
		require.Equal(t, host, got)
	}
	for _, text := range []string{
		"", "example.com", "//example.com", "/hook", "https:", "https://", "https:///x", "https:example.com", "http://example.com", "ftp://example.com",
		"file:///etc/passwd", "gopher://example.com", "unix:/run/x", "https://user@example.com", "https://user:pass@example.com", "https://@example.com",
		"https://example.com#x", "https://example.com/#", "https://example.com:0", "https://example.com:", "https://example.com:65536", "https://example.com:-1",
		"https://example.com:x", "https://exa mple.com", "https://example.com/\n", "https://example.com/\x00", "https://\xff.com",
		"https://127.0.0.1", "https://127.0.0.1:443/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:a00:1]/", "https://169.254.169.254/latest/meta-data",
		"https://10.0.0.8", "https://[fd00::1]", "https://[fe80::1%25eth0]/", "https://[64:ff9b::7f00:1]/", "https://localhost", "https://LOCALHOST./", "https://x.localhost",
		"https://example.com/" + strings.Repeat("a", MaxURL),
	} {
		_, err := Policy{}.checkURL(text)
		var refusal *domain.Error
		require.ErrorAs(t, err, &refusal, text)
		require.Equal(t, "url", refusal.Details["field"], text)
		require.NotContains(t, refusal.Message, "user:")
	}
	_, err := Policy{AllowHTTP: true}.checkURL("http://example.com")
	require.NoError(t, err)
	_, err = Policy{AllowHTTP: true}.checkURL("http://127.0.0.1")
	require.Error(t, err, "http is one thing, loopback is another")
}

// TestNamesAreCheckedWhenTheyAreDialled sends to names that resolve to this machine, and to numbers that resolvers turn into
// its address: what counts is what is dialled.
func TestNamesAreCheckedWhenTheyAreDialled(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			t.Errorf("somebody connected")
			_ = c.Close()
		}
	}()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	policy := Policy{AllowHTTP: true}
	s := newSender(policy, 10*time.Second, nil)
	defer s.close()
	resolveWith(s, policy, nameServer(t, netip.MustParseAddr("127.0.0.1"))) // some resolvers read odd numbers so
	for _, host := range []string{"localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"} {
		o := s.send(t.Context(), "http://"+host+":"+port+"/", uuid.New(), time.Now(), []byte("{}"), [][]byte{[]byte("k")})
		require.Contains(t, []string{ErrorAddress, ErrorName}, o.class, host)
		require.Zero(t, o.status)
	}
	for _, host := range []string{"localhost", "somewhere.example"} {
		require.Equal(t, ErrorAddress, s.send(t.Context(), "http://"+host+":"+port, uuid.New(), time.Now(), nil, [][]byte{[]byte("k")}).class)
	}
}

// TestARebindingNameIsRefused resolves one name to a public address when it is registered, and to this machine when it
// is dialled.
func TestARebindingNameIsRefused(t *testing.T) {
	t.Parallel()
	policy := Policy{AllowHTTP: true}
	_, err := policy.checkURL("http://rebind.example/")
	require.NoError(t, err, "the name says nothing")
	s := newSender(policy, 10*time.Second, nil)
	defer s.close()
	dns := nameServer(t, netip.MustParseAddr("127.0.0.1"))
	resolveWith(s, policy, dns)
	o := s.send(t.Context(), "http://rebind.example/", uuid.New(), time.Now(), nil, [][]byte{[]byte("k")})
	require.Equal(t, ErrorAddress, o.class)
}
