package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"
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
	if address.Zone() != "" || ssrf.New().SafeAddr(address) != nil { // the special-purpose registries of IANA
		return errAddress
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
