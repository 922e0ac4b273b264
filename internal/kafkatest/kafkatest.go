// Package kafkatest gives tests a Kafka broker: Apache Kafka itself, one node (KRaft), on free ports of this machine, in a
// process of its own that ends with the test binary however that ends.
//
// Where it comes from is decided once a process, by the first of these that works: the published jars (Java 17 or newer;
// Maven's ordinary client fetches them once, see Jars), a Docker container, and as a last resort kfake, a program that
// speaks the protocol but is no Kafka. Which it was is written to standard error at the first start and to every test's
// log; Broker.Kind says it too. Durability is shown by a real broker only.
//
// A test package that uses it has this TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }
//
// and beside a database of package pgtest this one:
//
//	func TestMain(m *testing.M) { os.Exit(kafkatest.Stop(pgtest.Main(m, kafkatest.Goroutines()...))) }
//
// Most tests take the broker that the whole test binary shares, and topics of their own:
//
//	broker := kafkatest.Shared(t)
//	topic := broker.Topic(t, 3) // three partitions
//	publisher := ...(broker.Address())
//
// A test that kills, freezes or restarts its broker starts one of its own (Start); that takes about three seconds and half
// a gigabyte, so it does it once for all that it has to show.
package kafkatest

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// patience bounds each step of a broker; a loaded machine needs its time, and the first start fetches the jars.
const patience = 5 * time.Minute

// Kind is what a broker really is.
type Kind string

// The kinds, best first.
const (
	Jars   Kind = "Apache Kafka " + Version + " from its published jars"
	Docker Kind = "Apache Kafka " + Version + " in a container"
	Fake   Kind = "kfake, NOT A REAL KAFKA: neither Java 17 with Maven nor Docker could be had"
)

// Version of Kafka; pom.xml names the same one.
const Version = "4.1.0"

// Options of a broker of one's own.
type Options struct {
	// Secure adds a second listener with TLS and SASL; see Broker.Secure. Only the jars have it.
	Secure bool
	// Settings are further settings of the broker by name; they win over the package's own.
	Settings map[string]string
}

//nolint:gochecknoglobals // one broker for the whole test process is what this package is for
var shared struct {
	mu      sync.Mutex
	enabled bool
	broker  *Broker
	err     error
	all     map[*Broker]bool // every broker that runs or may be restarted
}

// Main runs the tests, stops the brokers and then looks for goroutines that the tests left behind. It returns the exit
// code of the process.
func Main(m *testing.M, options ...goleak.Option) int {
	enable()
	code := Stop(m.Run())
	if code != 0 {
		return code
	}
	if err := goleak.Find(options...); err != nil {
		fmt.Fprintln(os.Stderr, "kafkatest:", err)
		return 1
	}
	return 0
}

// Goroutines are the options with which a search for left-over goroutines passes over those that wait for a broker to end.
func Goroutines() []goleak.Option {
	enable()
	return []goleak.Option{goleak.IgnoreAnyFunction("github.com/massrouter/massrouter/internal/daemon.(*Daemon).run")}
}

// Stop ends all brokers and removes their data. It returns the exit code that it was given, or 1 when a broker could not be
// ended.
func Stop(code int) int {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	for b := range shared.all {
		if err := b.remove(); err != nil {
			fmt.Fprintln(os.Stderr, "kafkatest:", err)
			code = max(code, 1)
		}
	}
	shared.all = nil
	return code
}

func enable() {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.enabled = true
	if shared.all == nil {
		shared.all = map[*Broker]bool{}
	}
}

// Shared returns the broker that the tests of this process share; the first call starts it. It is not to be killed.
func Shared(tb testing.TB) *Broker {
	tb.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	require.True(tb, shared.enabled, "kafkatest: the test package needs a TestMain, see the package's comment")
	if shared.broker == nil && shared.err == nil {
		shared.broker, shared.err = launch(tb.Context(), Options{})
		if shared.err == nil {
			shared.all[shared.broker] = true
		}
	}
	require.NoError(tb, shared.err)
	tb.Log("the broker is", shared.broker.Kind())
	return shared.broker
}

// Start returns a broker of the test's own, which the end of the test ends and removes.
func Start(tb testing.TB, o Options) *Broker {
	tb.Helper()
	enable()
	b, err := launch(tb.Context(), o)
	require.NoError(tb, err)
	shared.mu.Lock()
	shared.all[b] = true
	shared.mu.Unlock()
	tb.Cleanup(func() {
		shared.mu.Lock()
		delete(shared.all, b)
		shared.mu.Unlock()
		require.NoError(tb, b.remove())
	})
	tb.Log("the broker is", b.Kind())
	return b
}
