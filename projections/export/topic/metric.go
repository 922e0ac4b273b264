package topic

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics of an export. A nil *Metrics counts nothing.
type Metrics struct {
	up, position, recorded prometheus.Gauge
	events, failures       prometheus.Counter
}

// NewMetrics registers them.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		up: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "massrouter_export_kafka_up", Help: "1 when Kafka took the last request, 0 when it is tried again.",
		}),
		position: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "massrouter_export_kafka_position", Help: "Position up to which every event is in the topic.",
		}),
		recorded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "massrouter_export_kafka_recorded_seconds", Help: "Unix time at which the last exported event was recorded.",
		}),
		events: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "massrouter_export_kafka_events_total", Help: "Events that this process sent and Kafka acknowledged.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "massrouter_export_kafka_failures_total", Help: "Attempts that failed and were made again.",
		}),
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.up, m.position, m.recorded, m.events, m.failures} {
		errs = append(errs, r.Register(c))
	}
	return m, errors.Join(errs...)
}

func (m *Metrics) fails() {
	if m != nil {
		m.failures.Inc()
	}
}

func (m *Metrics) works(all bool) {
	if m == nil {
		return
	}
	m.up.Set(0)
	if all {
		m.up.Set(1)
	}
}

func (m *Metrics) at(position int64) {
	if m != nil {
		m.position.Set(float64(position))
	}
}

func (m *Metrics) sent(events, position int64, recorded time.Time) {
	if m != nil {
		m.events.Add(float64(events))
		m.position.Set(float64(position))
		m.recorded.Set(float64(recorded.Unix()))
	}
}
