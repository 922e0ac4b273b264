-- Customers' webhooks: what is registered, what is due, what was tried. Operational state and not part of the ledger: addresses may hold
-- secrets, and all of it can be erased. Who changes a webhook's deliveries locks its row of webhooks.queues first.
CREATE SCHEMA webhooks;

-- How far the log was fanned out, one row a shard. Who registers a webhook holds it FOR SHARE, so that no event is passed meanwhile.
CREATE TABLE webhooks.follower (
    shard         smallint PRIMARY KEY,
    position      bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    moved_at      timestamptz,
    failing_since timestamptz,
    error         text NOT NULL DEFAULT '' -- why it does not get on, for operators
);
INSERT INTO webhooks.follower (shard) VALUES (0);

-- Whose key a key is: only the event of its issue says so.
CREATE TABLE webhooks.keys (
    key_id    uuid PRIMARY KEY,
    wallet_id uuid NOT NULL
);

CREATE TABLE webhooks.webhooks (
    id                uuid PRIMARY KEY,
    wallet_id         uuid NOT NULL,
    name              text NOT NULL,
    url               text NOT NULL,
    host              text NOT NULL, -- of the url, with its port
    event_types       text[] NOT NULL, -- none means all
    balance_threshold numeric(30, 12), -- of balance.low
    from_position     bigint NOT NULL CHECK (from_position >= 0), -- it gets what comes after
    disabled_reason   text NOT NULL DEFAULT '', -- enabled when empty
    disabled_at       timestamptz,
    created_at        timestamptz NOT NULL,
    created_by        text NOT NULL,
    updated_at        timestamptz NOT NULL,
    updated_by        text NOT NULL
);
CREATE INDEX webhooks_wallet ON webhooks.webhooks (wallet_id, created_at, id);

CREATE TABLE webhooks.secrets (
    id         uuid PRIMARY KEY,
    webhook_id uuid NOT NULL REFERENCES webhooks.webhooks ON DELETE CASCADE,
    sealed     bytea NOT NULL, -- AES-256-GCM under a key derived from the configured one
    salt       bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz -- none for the one that is current
);
CREATE UNIQUE INDEX secrets_current ON webhooks.secrets (webhook_id) WHERE expires_at IS NULL;
CREATE INDEX secrets_webhook ON webhooks.secrets (webhook_id);

-- When a webhook has something to do, and how its receiver behaves. due_at is never after its first pending delivery is due, unless the
-- receiver is given a rest.
CREATE TABLE webhooks.queues (
    webhook_id      uuid PRIMARY KEY REFERENCES webhooks.webhooks ON DELETE CASCADE,
    due_at          timestamptz NOT NULL DEFAULT 'infinity',
    rest_until      timestamptz,
    failures        integer NOT NULL DEFAULT 0, -- since the last success
    failing_since   timestamptz,
    last_success_at timestamptz,
    slow            boolean NOT NULL DEFAULT false
);
CREATE INDEX queues_due ON webhooks.queues (due_at);

CREATE TABLE webhooks.deliveries (
    id          uuid PRIMARY KEY, -- the header webhook-id; of (webhook, shard, position, type), so the same whenever it is made
    seq         bigint GENERATED ALWAYS AS IDENTITY,
    webhook_id  uuid NOT NULL,
    shard       smallint,
    position    bigint, -- none for a ping
    type        text NOT NULL,
    event_at    timestamptz NOT NULL,
    body        bytea NOT NULL, -- what is sent
    state       text NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts    integer NOT NULL DEFAULT 0, -- ever
    tries       integer NOT NULL DEFAULT 0, -- since armed_at
    claim       integer NOT NULL DEFAULT 0, -- number of the last one: who has another number has lost it
    armed_at    timestamptz NOT NULL, -- when it was made, or replayed last
    due_at      timestamptz NOT NULL, -- while it is claimed: when the claim is over
    give_up_at  timestamptz NOT NULL,
    finished_at timestamptz,
    status      smallint, -- of the last answer
    error       text NOT NULL DEFAULT '', -- a short class, never what the receiver wrote
    replayed_by text NOT NULL DEFAULT '',
    CHECK ((state = 'pending') = (finished_at IS NULL))
);
CREATE INDEX deliveries_due ON webhooks.deliveries (webhook_id, due_at) WHERE state = 'pending';
CREATE INDEX deliveries_list ON webhooks.deliveries (webhook_id, seq);
CREATE INDEX deliveries_failed ON webhooks.deliveries (webhook_id, seq) WHERE state = 'failed';
CREATE INDEX deliveries_give_up ON webhooks.deliveries (give_up_at) WHERE state = 'pending';
CREATE INDEX deliveries_finished ON webhooks.deliveries (finished_at) WHERE state <> 'pending';

CREATE TABLE webhooks.attempts (
    delivery_id uuid NOT NULL REFERENCES webhooks.deliveries ON DELETE CASCADE,
    number      integer NOT NULL,
    started_at  timestamptz NOT NULL,
    duration_ms integer NOT NULL,
    status      smallint,
    error       text NOT NULL DEFAULT '',
    PRIMARY KEY (delivery_id, number)
);

-- Ranges of the log that are sent to a webhook again, by whoever owns the follower.
CREATE TABLE webhooks.replays (
    id                uuid PRIMARY KEY,
    webhook_id        uuid NOT NULL REFERENCES webhooks.webhooks ON DELETE CASCADE,
    since             bigint NOT NULL,
    until             bigint NOT NULL,
    position          bigint NOT NULL, -- done up to here
    include_delivered boolean NOT NULL,
    armed             bigint NOT NULL DEFAULT 0, -- deliveries that it made pending
    requested_at      timestamptz NOT NULL,
    requested_by      text NOT NULL,
    stepped_at        timestamptz NOT NULL, -- they take turns
    finished_at       timestamptz,
    CHECK (since >= 0 AND since <= position AND position <= until)
);
CREATE UNIQUE INDEX replays_open ON webhooks.replays (webhook_id) WHERE finished_at IS NULL;
CREATE INDEX replays_list ON webhooks.replays (webhook_id, requested_at);

-- Requests that carried an Idempotency-Key, by the id that follows from it.
CREATE TABLE webhooks.requests (
    id         uuid PRIMARY KEY,
    input_hash bytea NOT NULL CHECK (octet_length(input_hash) = 32),
    webhook_id uuid NOT NULL,
    at         timestamptz NOT NULL
);
CREATE INDEX requests_at ON webhooks.requests (at);

-- Webhooks whose deliveries have still to be erased.
CREATE TABLE webhooks.removed (
    webhook_id uuid PRIMARY KEY,
    at         timestamptz NOT NULL
);
