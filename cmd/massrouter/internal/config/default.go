package config

import (
	"time"

	"github.com/massrouter/massrouter/eventstore/relay/bus"
	"github.com/massrouter/massrouter/reactors/webhook"
)

// Default is the configuration before anything is set.
func Default() Config {
	return Config{
		HTTP: HTTP{
			Listen:     "127.0.0.1:8080",
			OpsListen:  "127.0.0.1:9090",
			MaxStreams: 10_000,

			ApproveAbove: "100",
			MaxBody:      32 << 20,
		},
		Protect: Protect{
			AddressRate: 60_000, ConsoleRate: 1200, SignInRate: 30, UserRate: 1200, KeyQueryRate: 1200, Firewall: FirewallOff,
		},
		Store: Store{MaxConns: 16},
		Ledger: Ledger{
			Queue:           8192,
			MaxBatch:        1024,
			SweepEvery:      5 * time.Second,
			MaintainEvery:   time.Minute,
			PartitionsAhead: 5_000_000,
		},
		Proof: Proof{CheckpointEvery: time.Second},
		Trail: Trail{AuditRetention: 180 * 24 * time.Hour},
		Bus:   Bus{BusTopic: bus.DefaultTopic, BusBatch: 500, BusTimeout: 30 * time.Second},
		Webhooks: Webhooks{
			WebhookRetention: webhook.DefaultRetention, WebhookTimeout: 15 * time.Second, WebhookReceivers: 64, WebhookConcurrency: 8,
		},
		Gateway: Gateway{
			OutputTokens:     4096,
			OwnKeyFee:        "5",
			CacheRoom:        16 << 20,
			RequestTimeout:   5 * time.Minute,
			FirstByteTimeout: 2 * time.Minute,
			IdleTimeout:      2 * time.Minute,
			StreamTimeout:    time.Hour,
			DrainTimeout:     5 * time.Minute,
			KeepAlive:        10 * time.Second,
			Attempts:         3,
		},
		People: People{MailName: "MassRouter"},
		SMS:    defaultSMS(),
		Limits: Limits{LimitBudget: 20 * time.Millisecond, LimitLease: 30 * time.Second, LimitProcesses: 1},
		Log:    Log{Level: "info", Format: "json", ShutdownGrace: 30 * time.Second},
	}
}
