package request

import (
	"context"
	"net/netip"
)

// Client is who is at the other end of a request, as far as the network tells.
type Client struct {
	Address netip.Addr // never IPv4 in IPv6, without a zone; the zero Addr when it is not known
	Secure  bool       // the request came over TLS: to us, or to a trusted proxy in front of us
	Inner   bool       // a request of ours within another one, whose client this is: what guards the surface has let that one through
}

type clientKey struct{}

// WithClient returns a context that carries the client.
func WithClient(ctx context.Context, c Client) context.Context {
	return context.WithValue(ctx, clientKey{}, c)
}

// ClientOf is the client of the request that the context belongs to; the zero Client outside of one. It is the one place to ask for
// an address: headers are read for nobody else.
func ClientOf(ctx context.Context) Client {
	c, _ := ctx.Value(clientKey{}).(Client)
	return c
}

// Address is the client's address.
func Address(ctx context.Context) netip.Addr { return ClientOf(ctx).Address }

const subscriber = 64 // bits: what a subscriber of IPv6 has, and can choose addresses in

const (
	site  = 48 // bits: what a place of business has, or a whole neighbourhood of subscribers
	block = 24 // bits: the smallest network of IPv4 that is routed
)

// Around is the network of which somebody may have all the subscribers' networks: a /48 of IPv6. The zero Prefix for IPv4, of which nobody has many addresses so easily,
// and for no address.
func Around(a netip.Addr) netip.Prefix {
	if !a.Is6() {
		return netip.Prefix{}
	}
	return within(a, site)
}

// Crowd is what many at once are taken for one: a /24 of IPv4, a /48 of IPv6. The zero Prefix for no address.
func Crowd(a netip.Addr) netip.Prefix {
	if a.Is6() {
		return within(a, site)
	}
	return within(a, block)
}

func within(a netip.Addr, bits int) netip.Prefix {
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// Network is what is counted as one caller: an address of IPv4, a /64 of IPv6. The zero Prefix for no address.
func Network(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = subscriber
	}
	return within(a, bits)
}
