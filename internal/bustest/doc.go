// Package bustest is the conformance suite of the message buses: the relay, a bus and consumers against real servers,
// which are killed and restarted. It has tests only.
//
// It is not beside package bus because tests there run under the race detector, and watermill-amqp v3.0.1 exchanges the
// channel that says whether it is connected without a lock; ADR 0016 says why that is harmless.
package bustest
