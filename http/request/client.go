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

// Network is what is counted as one caller: an address of IPv4, a /64 of IPv6. The zero Prefix for no address.
func Network(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = subscriber
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
