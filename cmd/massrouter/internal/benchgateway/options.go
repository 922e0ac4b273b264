// Package benchgateway measures what the gateway adds to a call: the same load goes straight to a simulated vendor and
// through a gateway that bills every call on a durable PostgreSQL, in turns of one run. Vendor, gateway and background
// work are processes of their own. Afterwards it proves that the ledger charged exactly what the vendor served.
package benchgateway

import (
	"io"
	"time"

	"github.com/rs/zerolog"
)

// Options of a run.
type Options struct {
	DatabaseURL string        // a server for a scratch database; "" starts a private one
	Duration    time.Duration // of each of the two targets, and of the saturated phase
	Rate        int           // calls a second offered; 0 leaves the paced phase out
	Callers     int           // of the saturated phase; 0 leaves it out
	Wallets     int
	Stream      bool
	OpenStreams int // streams held open at the same time; 0 leaves this phase out
	Environ     []string
	ChildLog    io.Writer // what the child processes log
	Log         zerolog.Logger
	Progress    func(format string, args ...any)
}

// Report is the result. Latencies are in milliseconds, from the moment at which a call was due.
type Report struct {
	Stream  bool `json:"stream"`
	Rate    int  `json:"rate"`
	Seconds int  `json:"seconds"`
	Wallets int  `json:"wallets"`

	Direct  *Latency `json:"direct,omitempty"`
	Gateway *Latency `json:"gateway,omitempty"`
	Added   *Latency `json:"added,omitempty"`

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

// Latency is a distribution.
type Latency struct {
	Calls int64   `json:"calls,omitempty"`
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
	Streams int     `json:"streams"`
	RSS     Decimal `json:"rss_mb"` // the most that was seen while all were open
}
