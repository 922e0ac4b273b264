-- Read models: everything here can be thrown away and replayed from the log. Tables carry the version of their
-- projection, so that the next version can be built beside the one that serves.
CREATE SCHEMA views;

-- How far each projection has come. A batch's rows and this row change in one transaction. While position is below
-- rebuild_to the tables are incomplete, and queries refuse to answer from them.
CREATE TABLE views.checkpoints (
    name        text COLLATE "C" NOT NULL,
    version     integer NOT NULL CHECK (version > 0),
    position    bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    recorded_at timestamptz NOT NULL DEFAULT 'epoch', -- of the event at position
    rebuild_to  bigint NOT NULL DEFAULT 0,
    state       text NOT NULL DEFAULT 'following' CHECK (state IN ('following', 'rebuilding', 'failed')),
    error       text NOT NULL DEFAULT '',
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, version)
) WITH (fillfactor = 10);

-- Amounts have 18 digits before the point and 12 after it, as in the ledger; sums over time have room for more, so that no
-- sum can ever stop a projection.

-- balance: one row a wallet. posted = credited_total - charged_total at every position.
CREATE TABLE views.balance_v1 (
    wallet_id       uuid PRIMARY KEY,
    owner           text NOT NULL,
    currency        text NOT NULL,
    posted          numeric(30,12) NOT NULL,
    held            numeric(30,12) NOT NULL,
    available       numeric(30,12) NOT NULL GENERATED ALWAYS AS (posted - held) STORED,
    credited_total  numeric(42,12) NOT NULL,
    charged_total   numeric(42,12) NOT NULL,
    open_holds      bigint NOT NULL,
    opened_at       timestamptz NOT NULL,
    opened_position bigint NOT NULL,
    position        bigint NOT NULL -- of the wallet's last event
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX ON views.balance_v1 (opened_position);
CREATE INDEX ON views.balance_v1 (owner, opened_position);

-- statement: one row a movement of the posted balance.
CREATE TABLE views.statement_v1 (
    wallet_id      uuid NOT NULL,
    position       bigint NOT NULL,
    recorded_at    timestamptz NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('top_up', 'grant', 'adjustment', 'charge')),
    amount         numeric(30,12) NOT NULL, -- signed
    balance_before numeric(30,12) NOT NULL,
    balance_after  numeric(30,12) NOT NULL,
    currency       text NOT NULL,
    reference      text NOT NULL,
    reason         text NOT NULL,
    generation_id  uuid, -- with key_id and model: charges only
    key_id         uuid,
    model          text NOT NULL,
    PRIMARY KEY (wallet_id, position)
);
-- Credits are few among many charges; without this a list of top-ups would walk over every charge.
CREATE INDEX ON views.statement_v1 (wallet_id, position) WHERE kind <> 'charge';
-- recorded_at rises with position, so the first position of each minute turns a time into a range of the primary key.
CREATE TABLE views.statement_minutes_v1 (
    minute         timestamptz PRIMARY KEY,
    first_position bigint NOT NULL
);

-- keys: what is known of a key changes rarely; what it spends changes with every call and lies apart.
CREATE TABLE views.keys_v1 (
    key_id          uuid PRIMARY KEY,
    wallet_id       uuid NOT NULL,
    label           text NOT NULL,
    hash            bytea NOT NULL CHECK (octet_length(hash) = 32),
    old_hash        bytea NOT NULL CHECK (octet_length(old_hash) = 32),
    old_hash_until  timestamptz,
    limits          jsonb NOT NULL,
    disabled        boolean NOT NULL,
    disabled_reason text NOT NULL,
    revoked         boolean NOT NULL,
    revoked_reason  text NOT NULL,
    issued_at       timestamptz NOT NULL,
    issued_position bigint NOT NULL,
    updated_at      timestamptz NOT NULL,
    position        bigint NOT NULL -- of the key's last event
);
CREATE UNIQUE INDEX ON views.keys_v1 (wallet_id, issued_position);

-- A window's amount counts while its first day (UTC) is the first day of the current window.
CREATE TABLE views.keys_spend_v1 (
    key_id       uuid PRIMARY KEY,
    held         numeric(30,12) NOT NULL,
    total        numeric(42,12) NOT NULL,
    day          date,
    day_spent    numeric(42,12) NOT NULL,
    week         date,
    week_spent   numeric(42,12) NOT NULL,
    month        date,
    month_spent  numeric(42,12) NOT NULL,
    last_used_at timestamptz, -- the last hold
    position     bigint NOT NULL -- of the last event that changed the row
) WITH (fillfactor = 50);

-- catalog: every publication; the catalogue at a position is the fold of all before it.
CREATE TABLE views.catalog_publications_v1 (
    position    bigint PRIMARY KEY,
    recorded_at timestamptz NOT NULL,
    kind        text COLLATE "C" NOT NULL CHECK (kind IN ('vendor', 'model', 'endpoint', 'price')),
    id          text COLLATE "C" NOT NULL, -- of the vendor, model or endpoint; a price belongs to an endpoint
    body        jsonb NOT NULL
);
CREATE INDEX ON views.catalog_publications_v1 (kind, id, position);

-- generations: one row a call, made by its hold, and one by the charge or release that ended it. The second is a row of its own
-- because almost every call has one: rewriting the first would leave a dead row and five index entries behind each time.
CREATE TABLE views.generations_v1 (
    generation_id         uuid PRIMARY KEY,
    wallet_id             uuid NOT NULL,
    key_id                uuid NOT NULL,
    model                 text COLLATE "C" NOT NULL,
    endpoint              text NOT NULL,
    price_version         uuid NOT NULL,
    currency              text NOT NULL,
    hold_amount           numeric(30,12) NOT NULL,
    max_prompt_tokens     bigint NOT NULL,
    max_completion_tokens bigint NOT NULL,
    placed_at             timestamptz NOT NULL,
    hold_position         bigint NOT NULL,
    expires_at            timestamptz NOT NULL,
    state                 text NOT NULL CHECK (state IN ('running', 'suspect', 'expired')), -- while there is no end
    expired_at            timestamptz,
    expiry_position       bigint
);
-- placed_at rises with hold_position, so these serve time ranges and cursors alike.
CREATE INDEX ON views.generations_v1 (placed_at, hold_position);
CREATE INDEX ON views.generations_v1 (wallet_id, placed_at, hold_position);
CREATE INDEX ON views.generations_v1 (key_id, placed_at, hold_position);
CREATE INDEX ON views.generations_v1 (model, placed_at, hold_position);

CREATE TABLE views.generations_ends_v1 (
    generation_id  uuid PRIMARY KEY,
    state          text NOT NULL CHECK (state IN ('charged', 'released')),
    ended_at       timestamptz NOT NULL,
    position       bigint NOT NULL,
    vendor         text NOT NULL,
    charge         numeric(30,12) NOT NULL,
    uncollectible  numeric(30,12) NOT NULL,
    vendor_cost    numeric(30,12) NOT NULL,
    provenance     text NOT NULL,
    usage          json, -- as the event has it: kept to be shown, not to be searched
    line_items     json,
    call           json NOT NULL,
    release_reason text NOT NULL,
    late           boolean NOT NULL
);
