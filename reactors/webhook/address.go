package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
)

// errAddress: an address that requests may not be sent to.
var errAddress = errors.New("the receiver's address is not public")

// Policy is where requests may go.
type Policy struct {
	// AllowHTTP lets addresses begin with http, too.
	AllowHTTP bool
	// Allowed are networks that may be reached although they are not public.
	Allowed []netip.Prefix
}

// ParseNetworks reads networks such as 10.0.0.0/8, separated by commas; none for "".
func ParseNetworks(text string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		network, err := netip.ParsePrefix(part)
		if err != nil || network.Masked() != network {
			return nil, fmt.Errorf("%q is no network such as 10.0.0.0/8 or fd00::/8", part)
		}
		all = append(all, network)
	}
	return all, nil
}

// special are the networks that are not the public internet: the special-purpose registries of IANA (RFC 6890 and its
// updates), multicast, and the ranges that hold an IPv4 address inside, which could be any of these.
func special() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8",       // this network; 0.0.0.0 is this machine
		"10.0.0.0/8",      // private
		"100.64.0.0/10",   // behind a carrier's NAT; also the metadata of some clouds
		"127.0.0.0/8",     // loopback
		"169.254.0.0/16",  // link-local; the metadata of most clouds
		"172.16.0.0/12",   // private
		"192.0.0.0/24",    // protocol assignments
		"192.0.2.0/24",    // documentation
		"192.88.99.0/24",  // 6to4 relays, deprecated
		"192.168.0.0/16",  // private
		"198.18.0.0/15",   // benchmarks
		"198.51.100.0/24", // documentation
		"203.0.113.0/24",  // documentation
		"224.0.0.0/4",     // multicast
		"240.0.0.0/4",     // reserved, and broadcast
		"::/96",           // unspecified, loopback, IPv4-compatible
		"::ffff:0:0:0/96", // IPv4-translated
		"64:ff9b::/96",    // NAT64
		"64:ff9b:1::/48",  // NAT64 of a network's own
		"100::/64",        // discarded
		"2001::/23",       // protocol assignments, Teredo and ORCHID among them
		"2001:db8::/32",   // documentation
		"2002::/16",       // 6to4
		"3fff::/20",       // documentation
		"5f00::/16",       // segment routing
		"fc00::/7",        // unique local; the metadata of some clouds
		"fe80::/10",       // link-local
		"fec0::/10",       // site-local, deprecated
		"ff00::/8",        // multicast
	} {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// check refuses an address that is not public unless a network that is allowed has it. An IPv4 address in IPv6 form
// (::ffff:a.b.c.d) counts as what it is.
func (p Policy) check(address netip.Addr) error {
	address = address.Unmap()
	if !address.IsValid() {
		return errAddress
	}
	for _, network := range p.Allowed {
		if network.Contains(address.WithZone("")) {
			return nil
		}
	}
	if address.Zone() != "" {
		return errAddress
	}
	for _, network := range special() {
		if network.Contains(address) {
			return errAddress
		}
	}
	return nil
}

// control is what net.Dialer asks before each connection: it sees the address that a name was resolved to, so a name
// that resolves otherwise than before gains nothing.
func (p Policy) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return errAddress
	}
	return p.check(to.Addr())
}
