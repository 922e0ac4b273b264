// Package benchgateway measures what the gateway adds to a call: the same load goes straight to a simulated vendor, through a
// bare reverse proxy of the standard library, and through a gateway that bills every call on a durable PostgreSQL, in turns of
// one run. Vendor, proxy, gateway and background work are processes of their own. Afterwards it proves that the ledger charged
// exactly what the vendor served.
package benchgateway

import (
	"io"
	"time"

	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/load"
)

// Options of a run.
type Options struct {
	DatabaseURL string        // a server for a scratch database; "" starts a private one
	Duration    time.Duration // of each of the three targets, and of the saturated phase
	Rate        int           // calls a second offered; 0 leaves the paced phase out
	Callers     int           // of the saturated phase; 0 leaves it out
	Wallets     int
	Stream      bool
	OpenStreams int // streams held open at the same time; 0 leaves this phase out

	In, Out     load.Dialect  // of the callers and of the vendor
	PromptBytes int           // of the user's message; 0 takes a short one
	Tokens      int           // of an answer's text
	Interval    time.Duration // between two of them

	Environ  []string
	ChildLog io.Writer // what the child processes log
	Log      zerolog.Logger
	Progress func(format string, args ...any)
}

// Report is the result. Latencies are in milliseconds, from the moment at which a call was due.
type Report struct {
	DialectIn   string  `json:"dialect_in"`
	DialectOut  string  `json:"dialect_out"`
	Stream      bool    `json:"stream"`
	PromptBytes int     `json:"prompt_bytes"`
	Tokens      int     `json:"tokens"`
	IntervalMS  Decimal `json:"token_interval_ms"`
	Rate        int     `json:"rate"`
	Seconds     int     `json:"seconds"`
	Wallets     int     `json:"wallets"`

	// To the end of a call; straight to the vendor in the vendor's dialect.
	Direct     *Latency `json:"direct,omitempty"`
	Proxy      *Latency `json:"proxy,omitempty"`
	Gateway    *Latency `json:"gateway,omitempty"`
	ProxyAdded *Latency `json:"proxy_added,omitempty"`
	Added      *Latency `json:"added,omitempty"`

	FirstToken *Compared `json:"first_token,omitempty"` // of streams, from the moment at which the call was due
	Token      *Compared `json:"token,omitempty"`       // of streams, from the moment at which the vendor made a token to its arrival

	Calls          int64    `json:"calls"` // through the gateway, all phases together
	Failed         int64    `json:"failed"`
	SuccessRate    Decimal  `json:"success_rate"`
	CPUPer1000     *Decimal `json:"cpu_s_per_1000_calls,omitempty"`      // of the gateway's process, while paced
	WorkCPUPer1000 *Decimal `json:"work_cpu_s_per_1000_calls,omitempty"` // of the background's process, while paced

	Lag *Lag `json:"read_model_lag,omitempty"` // while paced

	Saturated   *Saturated   `json:"saturated,omitempty"`
	OpenStreams *OpenStreams `json:"open_streams,omitempty"`
	PeakRSS     *Decimal     `json:"peak_rss_mb,omitempty"` // of the gateway's process, over the whole run

	Failures map[string]int64 `json:"failures,omitempty"`
	Proof    Proof            `json:"proof"`
}

// Compared is one measure at the three targets.
type Compared struct {
	Direct     Latency `json:"direct"`
	Proxy      Latency `json:"proxy"`
	Gateway    Latency `json:"gateway"`
	ProxyAdded Latency `json:"proxy_added"`
	Added      Latency `json:"added"`
}

// Latency is a distribution.
type Latency struct {
	Calls int64   `json:"calls,omitempty"` // or tokens
	P50   Decimal `json:"p50_ms"`
	P99   Decimal `json:"p99_ms"`
	P999  Decimal `json:"p999_ms"`
}

// Saturated is the phase in which a number of callers call as fast as they can.
type Saturated struct {
	Callers    int      `json:"callers"`
	PerSecond  int64    `json:"calls_per_s"`
	P50        Decimal  `json:"p50_ms"`
	P99        Decimal  `json:"p99_ms"`
	CPUPer1000 *Decimal `json:"cpu_s_per_1000_calls,omitempty"`
}

// OpenStreams is the phase in which many streams are open at the same time.
type OpenStreams struct {
	Streams     int     `json:"streams"`
	RSS         Decimal `json:"rss_mb"`          // the most that was seen while all were open
	KBPerStream Decimal `json:"kb_per_stream"`   // by which that is more than before they were opened
	Token       Latency `json:"token"`           // from the moment at which the vendor made a token to its arrival
	Longest     Decimal `json:"longest_wait_ms"` // of a token
}
