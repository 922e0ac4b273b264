package apikey_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/apikey"
)

func networks(texts ...string) (out apikey.Networks) {
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

func TestK11_OnlyFromTheseNetworks(t *testing.T) {
	t.Parallel()
	s := issued(t, apikey.Limits{Networks: networks("203.0.113.77/24", "2001:db8::/32", "::ffff:198.51.100.7/128", "10.0.0.0/8")})
	require.Equal(t, networks("10.0.0.0/8", "198.51.100.7/32", "203.0.113.0/24", "2001:db8::/32"), s.Limits.Networks, "in their one form")
	for address, want := range map[string]bool{
		"203.0.113.0": true, "203.0.113.255": true, "203.0.114.0": false, "198.51.100.7": true, "198.51.100.8": false,
		"::ffff:203.0.113.9": true, "2001:db8:ffff::1": true, "2001:db9::1": false, "::1": false,
	} {
		require.Equal(t, want, s.Limits.Networks.Allows(netip.MustParseAddr(address)), address)
	}
	require.False(t, s.Limits.Networks.Allows(netip.Addr{}), "an address that is not known")
	require.True(t, issued(t, apikey.Limits{}).Limits.Networks.Allows(netip.Addr{}), "an empty list allows all")
	e, err := s.Update(apikey.Update{}, start)
	require.NoError(t, err)
	apply(t, s, e)
	require.Empty(t, s.Limits.Networks, "limits are replaced whole")
	name := "renamed"
	kept := issued(t, apikey.Limits{Networks: networks("10.0.0.0/8")})
	events, err := kept.Change(apikey.Change{Name: &name}, start)
	require.NoError(t, err)
	apply(t, kept, events[0])
	require.Equal(t, networks("10.0.0.0/8"), kept.Limits.Networks, "a change leaves the rest")
	manager := issue(apikey.Limits{Networks: networks("10.0.0.0/8")})
	manager.Scope = apikey.Management
	_, err = apikey.New().Issue(manager, start)
	require.NoError(t, err, "also of a management key")
}

func TestK11_Refusals(t *testing.T) {
	t.Parallel()
	many := make(apikey.Networks, apikey.MaxNetworks+1)
	for i := range many {
		many[i] = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i), 1}), 32)
	}
	for name, n := range map[string]apikey.Networks{
		"twice": networks("10.0.0.0/8", "10.0.0.0/8"), "twice, masked": networks("10.1.0.0/8", "10.2.0.0/8"),
		"none": {netip.Prefix{}}, "all of IPv4 as IPv6": networks("::ffff:0:0/90"), "too many": many,
	} {
		_, err := apikey.New().Issue(issue(apikey.Limits{Networks: n}), start)
		requireCode(t, domain.CodeInvalid, err, name)
	}
	_, err := apikey.New().Issue(issue(apikey.Limits{Networks: many[:apikey.MaxNetworks]}), start)
	require.NoError(t, err)
}
