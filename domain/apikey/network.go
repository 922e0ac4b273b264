package apikey

import (
	"net/netip"
	"slices"

	"github.com/massrouter/massrouter/domain"
)

// Networks are networks that a key may be used from.
type Networks []netip.Prefix

// Allows is rule K11. An address that is not known is in no network.
func (n Networks) Allows(from netip.Addr) bool {
	if len(n) == 0 {
		return true
	}
	from = from.Unmap()
	return slices.ContainsFunc(n, func(p netip.Prefix) bool { return p.Contains(from) })
}

// normal checks networks and gives them their one form: no bits beyond the mask, IPv4 as IPv4, sorted.
func (n Networks) normal() (Networks, error) {
	if len(n) > MaxNetworks {
		return nil, domain.Errorf(domain.CodeInvalid, "a key lists at most %d networks", MaxNetworks)
	}
	out := make(Networks, 0, len(n))
	for _, p := range n {
		const mapped = 96 // bits before an IPv4 address in IPv6
		if a := p.Addr(); a.Is4In6() && p.Bits() >= mapped {
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-mapped)
		}
		if !p.IsValid() || p.Addr().Is4In6() {
			return nil, domain.Errorf(domain.CodeInvalid, "a network is written as 203.0.113.0/24 or 2001:db8::/32")
		}
		out = append(out, p.Masked())
	}
	slices.SortFunc(out, netip.Prefix.Compare)
	if len(slices.Compact(slices.Clone(out))) != len(out) {
		return nil, domain.Errorf(domain.CodeInvalid, "a network is listed twice")
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}
