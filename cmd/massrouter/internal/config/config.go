// Package config is the configuration of every subcommand: one struct, its defaults, its validation and its table in
// docs/configuration.md. Values come from the environment only; secrets also from files.
package config

import "time"

// Config is everything that can be set. The zero value is not usable; see Default and Load.
type Config struct {
	HTTP     HTTP     `title:"HTTP servers"`
	Protect  Protect  `title:"Protection"`
	Store    Store    `title:"Database and Redis"`
	Ledger   Ledger   `title:"Ledger"`
	Proof    Proof    `title:"Transparency log"`
	Trail    Trail    `title:"Audit trail"`
	Bus      Bus      `title:"Event bus"`
	Webhooks Webhooks `title:"Customer webhooks"`
	Secrets  Secrets  `title:"Secrets in the database"`
	People   People   `title:"People and mail"`
	SMS      SMS      `title:"Text messages"`
	OAuth    OAuth    `title:"Sign-in services"`
	Gateway  Gateway  `title:"Inference"`
	Limits   Limits   `title:"Rate limits"`
	Vendors  Vendors  `title:"Vendors"`
	Kafka    Kafka    `title:"Kafka"`
	Log      Log      `title:"Log and shutdown"`
	Client   Client   `title:"Operator commands"`
}

// HTTP is what listens.
type HTTP struct {
	Listen        string `env:"MASSROUTER_LISTEN" doc:"Address of the API: inference and console. Port 0 takes a free one." used:"serve dev"`
	OpsListen     string `env:"MASSROUTER_OPS_LISTEN" doc:"Address of /healthz, /readyz and /metrics. Keep it private. Without it dev takes a free port." used:"serve work dev"`
	OperatorToken Secret `env:"MASSROUTER_OPERATOR_TOKEN" doc:"Bearer token of the console API, at least 24 printable characters. The operator commands send it." used:"serve and operator commands"`
	MaxStreams    int    `env:"MASSROUTER_MAX_STREAMS" doc:"Most live connections (GET /console/v1/stream) of one process; beyond it callers get overloaded (503)." used:"serve dev"`
	ApproveAbove  string `env:"MASSROUTER_APPROVE_ABOVE" doc:"A person who moves more than this by hand within a day (top-ups, grants, adjustments), in the wallet's currency, needs a second one to approve it. The operator token does not." used:"serve dev"`
	MaxBody       int64  `env:"MASSROUTER_MAX_BODY_BYTES" doc:"Largest request body of the inference API, in bytes." used:"serve dev"`
}

// Store is where state lives.
type Store struct {
	DatabaseURL Secret `env:"DATABASE_URL" doc:"PostgreSQL, version 15 or newer: postgres://user:password@host:port/database. dev starts a private server without it." used:"serve work dev migrate events projections bench"`
	RedisURL    Secret `env:"REDIS_URL" doc:"Redis: redis://:password@host:port/0. dev runs one in its own process without it. Holds disposable copies only, such as the rankings, and counts rate limits for all processes; serve and work do without." used:"serve work dev"`
	MaxConns    int    `env:"MASSROUTER_DATABASE_CONNS" doc:"Most connections of one process for queries. The ledger's writer and listener have their own." used:"serve work dev"`
}

// Ledger tunes the executor and the background work.
type Ledger struct {
	Queue           int           `env:"MASSROUTER_LEDGER_QUEUE" doc:"Commands that may wait for a commit; beyond it callers get overloaded (503)." used:"serve work dev"`
	MaxBatch        int           `env:"MASSROUTER_LEDGER_BATCH" doc:"Most commands in one commit." used:"serve work dev"`
	SweepEvery      time.Duration `env:"MASSROUTER_SWEEP_EVERY" doc:"How often holds past their expiry are looked for." used:"work dev"`
	MaintainEvery   time.Duration `env:"MASSROUTER_MAINTAIN_EVERY" doc:"How often partitions are made ahead and answers past their 24 h are removed." used:"work dev"`
	PartitionsAhead int64         `env:"MASSROUTER_PARTITIONS_AHEAD" doc:"Positions ahead of the log's end whose partitions are made in advance." used:"work dev"`
}

// Proof is the transparency log: what makes the ledger verifiable for others.
type Proof struct {
	LogKey          Secret        `env:"MASSROUTER_LOG_KEY" doc:"Signing key of the transparency log, from 'massrouter audit keygen'; the name in it is the log's origin. Without it work signs no checkpoints." used:"work audit; dev makes its own"`
	LogPublicKey    string        `env:"MASSROUTER_LOG_PUBLIC_KEY" doc:"Public key of the transparency log, for processes that do not have the signing key." used:"serve work audit"`
	LogDir          string        `env:"MASSROUTER_LOG_DIR" doc:"Folder outside the database that gets tiles and checkpoints, to be served as static files. Its newest checkpoint is the guard against a restored backup: serve and work refuse a ledger that is behind it or of another history. It needs one of the keys." used:"serve work audit; dev has its own"`
	CheckpointEvery time.Duration `env:"MASSROUTER_CHECKPOINT_EVERY" doc:"Least time between two checkpoints." used:"work dev"`
	AbandonedRoot   string        `env:"MASSROUTER_LOG_ABANDONED_ROOT" doc:"The root of a published checkpoint, as the refusal names it: the operator lets the ledger start although it is not the one of that checkpoint. Nothing is signed under that origin any more; a new key with a new origin and an empty folder begin a new log." used:"serve work"`
}

// Bus is where committed events are published.
type Bus struct {
	BusURL     Secret        `env:"BUS_URL" doc:"Message bus that gets every committed event: redis://:password@host:port/0, kafka://host:9092,host:9092?partitions=12&replication=3, amqp://user:password@host:port/vhost, or memory: for consumers of this process. Without it nothing is published. See event-bus.md." used:"work dev relay"`
	BusTopic   string        `env:"MASSROUTER_BUS_TOPIC" doc:"Topic on the bus; the shard's number is added to it. Another topic is another bus: it begins at the first event." used:"work dev relay"`
	BusBatch   int           `env:"MASSROUTER_BUS_BATCH" doc:"Most events that are published at once." used:"work dev"`
	BusTimeout time.Duration `env:"MASSROUTER_BUS_TIMEOUT" doc:"How long the bus may take for a batch before the relay backs off." used:"work dev"`
}

// Vendors is how vendors are reached. A vendor's address is published in the catalogue; its key is here and nowhere else.
type Vendors struct {
	KeysFile string `env:"MASSROUTER_VENDOR_KEYS_FILE" doc:"JSON file of one object, vendor id to API key, or to a list of keys; readable by its owner only (mode 0600). See gateway.md." used:"serve dev"`
	// Keys is filled by Load from the file and from MASSROUTER_VENDOR_KEY_<VENDOR>.
	Keys VendorKeys
}

// Log is what is written where, and how the process ends.
type Log struct {
	Level         string        `env:"MASSROUTER_LOG_LEVEL" doc:"debug, info, warn or error." used:"all"`
	Format        string        `env:"MASSROUTER_LOG_FORMAT" doc:"json, or text for people." used:"all"`
	ShutdownGrace time.Duration `env:"MASSROUTER_SHUTDOWN_GRACE" doc:"How long running calls may take to finish after the first SIGINT or SIGTERM." used:"serve work dev"`
}

// Client is how the operator commands reach a running service.
type Client struct {
	Server string `env:"MASSROUTER_SERVER" doc:"Base URL of the service, for example http://127.0.0.1:8080." used:"operator commands"`
}

// Gateway bounds calls.
type Gateway struct {
	JournalDir       string        `env:"MASSROUTER_JOURNAL_DIR" doc:"Folder of settlements that the ledger could not take yet. Each process needs its own, and it has to survive a restart." used:"serve"`
	OutputTokens     int64         `env:"MASSROUTER_DEFAULT_OUTPUT_TOKENS" doc:"Output cap of a choice when the caller gives none; what is reserved for the call follows from it." used:"serve dev"`
	AutoModels       string        `env:"MASSROUTER_AUTO_MODELS" doc:"Models, separated by commas, among which the cheapest healthy one serves a call of the model openrouter/auto. Without any there is no such model." used:"serve dev"`
	MediaNetworks    string        `env:"MASSROUTER_MEDIA_ALLOW_NETWORKS" doc:"Networks that images and documents may be fetched from, at any port, although they are not public, separated by commas. All else that is private, loopback or special is refused when it is dialled, and so are all ports but 80 and 443." used:"serve dev"`
	CacheRoom        int64         `env:"MASSROUTER_CACHE_BYTES_PER_KEY" doc:"Room in Redis for the cached answers of one API key, in bytes; those that end first make room. 0: no answers are cached." used:"serve dev"`
	OwnKeyFee        string        `env:"MASSROUTER_OWN_KEY_FEE_PERCENT" doc:"What a call costs that is made with a key of the customer's own at the vendor, in per cent of its price: from 0 to 100, with at most ten decimals. Each hold says what it was." used:"serve dev"`
	RequestTimeout   time.Duration `env:"MASSROUTER_REQUEST_TIMEOUT" doc:"Longest time of a call that is no stream, all attempts together. A hold lives three times as long." used:"serve dev"`
	FirstByteTimeout time.Duration `env:"MASSROUTER_FIRST_BYTE_TIMEOUT" doc:"Longest wait for a stream's first byte." used:"serve dev"`
	IdleTimeout      time.Duration `env:"MASSROUTER_STREAM_IDLE_TIMEOUT" doc:"Longest silence of a vendor inside a stream." used:"serve dev"`
	StreamTimeout    time.Duration `env:"MASSROUTER_STREAM_TIMEOUT" doc:"Longest time of a stream." used:"serve dev"`
	DrainTimeout     time.Duration `env:"MASSROUTER_DRAIN_TIMEOUT" doc:"How long a vendor that bills to the end is read on after the caller went away." used:"serve dev"`
	KeepAlive        time.Duration `env:"MASSROUTER_STREAM_KEEP_ALIVE" doc:"Silence on a stream after which the caller gets a comment." used:"serve dev"`
	Attempts         int           `env:"MASSROUTER_VENDOR_ATTEMPTS" doc:"Attempts at a vendor for one call, as long as nothing was produced." used:"serve dev"`
}
