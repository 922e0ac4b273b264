// Package routing decides who serves a call: which endpoints of which models are tried, in which order, after which pause and
// with which of the platform's credentials; and it measures how well endpoints serve.
//
//	preferences.go, parse*.go  what the caller wishes (OpenRouter's "provider" object, "models", suffixes of model names)
//	candidate.go               what may serve it, and what the call needs
//	plan.go, filter.go, rank.go  candidates → Plan: an order, and for each candidate why it is there or not
//	health.go, breaker.go, window.go, histogram.go  what was measured → Condition of an endpoint
//	keys.go                    the credentials of a vendor, used in turn, and those that are set aside
//	wire.go, peers.go, shared.go  what other processes measured and set aside
//	attempts.go                Plan → which endpoint next, until the call is served or a limit is reached
//
// Rules:
//
//	R1  What a preference excludes is never tried: only, ignore, quantizations, data_collection, zdr, max_price, :free, and
//	    require_parameters. Tools and kinds of input that a call cannot do without exclude always, but those of whom it is not known.
//	R2  A model is tried after those that stand before it in the list, unless sort.partition is "none".
//	R3  Endpoints that order names come first, as it has them. The rest follows if allow_fallbacks.
//	R4  An endpoint of which fewer than 95 % of the calls of the last five minutes came out well comes after the better ones, below 80 % after
//	    all others of its model; below 100 calls it counts as well. This does not change what order says.
//	R5  An endpoint with an open circuit is not tried. Of one that is half open a few calls are.
//	R6  Among those that are left the first is drawn by the inverse square of the price; the rest follows by price. An endpoint's
//	    price is what a call of 3,000 prompt and 1,000 completion tokens costs. If any is free, only free ones are drawn.
//	R7  A conversation draws by rendezvous hashing instead: the same key has the same order everywhere, without a store, in the same
//	    proportions over all conversations; an endpoint that is lost moves only its own conversations, and gets them back. Its credential
//	    is found in the same way; calls without a conversation use the credentials in turn.
//	R8  sort (price, throughput, latency) and order switch drawing off, and with it R7.
//	R9  An endpoint that misses preferred_min_throughput or preferred_max_latency comes after those of all models that do not. One
//	    without measurements misses nothing: it would never get any.
//	R10 auto is the cheapest healthy endpoint, over all models of a configured list, that can take the call; the next cheapest are its
//	    fallbacks.
//	R11 An endpoint that failed is not tried again in the same call; nothing is tried after the first byte went out. An endpoint that
//	    is only busy may be tried with another key at once, and, when no other is left, with the same key after the pause
//	    that it asked for.
//
//	R12 Endpoints that are called with keys of the customer's own come before those of the same model that are called with the
//	    platform's, whatever order says: the first key of each vendor, then the second, and so on. How well they serve is known apart.
//
// Decisions are functions of their arguments: clock and randomness are given. Only the circuit breakers, of a library, read the
// clock of the process.
package routing
