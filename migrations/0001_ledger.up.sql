-- The log: one row a shard in log_heads is locked first by every append, so positions are handed out inside serial
-- commits and have no gaps.
CREATE SCHEMA ledger;

CREATE TABLE ledger.log_heads (
    shard       smallint PRIMARY KEY,
    position    bigint NOT NULL CHECK (position >= 0),
    recorded_at timestamptz NOT NULL
) WITH (fillfactor = 10);

INSERT INTO ledger.log_heads VALUES (0, 0, 'epoch');

CREATE TABLE ledger.events (
    shard          smallint NOT NULL,
    position       bigint NOT NULL CHECK (position > 0),
    stream_id      text COLLATE "C" NOT NULL CHECK (octet_length(stream_id) BETWEEN 3 AND 200),
    stream_version bigint NOT NULL CHECK (stream_version > 0),
    event_id       uuid NOT NULL,
    type           text COLLATE "C" NOT NULL,
    schema_version smallint NOT NULL,
    recorded_at    timestamptz NOT NULL,
    effective_at   timestamptz NOT NULL,
    actor          text NOT NULL,
    correlation_id uuid NOT NULL,
    causation_id   uuid NOT NULL,
    command_id     uuid NOT NULL,
    salt           bytea NOT NULL CHECK (octet_length(salt) = 16),
    body           text NOT NULL,
    leaf_hash      bytea NOT NULL CHECK (octet_length(leaf_hash) = 32)
) PARTITION BY RANGE (position);

-- On the parent, so that each partition that is ever made has them.
CREATE UNIQUE INDEX events_position ON ledger.events (shard, position);

-- Makes the partition that holds a position, if it is missing, with its unique stream versions. Partitions are ranges
-- of `width` positions. Safe to call at the same time from several sessions.
CREATE FUNCTION ledger.ensure_partition(at_position bigint, width bigint) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    first bigint := (at_position - 1) / width * width + 1;
    name  text := 'events_p' || first;
BEGIN
    IF to_regclass('ledger.' || name) IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('ledger.ensure_partition'));
        -- Asked of the catalogue itself: a session's cache may not know yet what another has just committed.
        IF NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'ledger'::regnamespace AND relname = name) THEN
            EXECUTE format('CREATE TABLE ledger.%I (LIKE ledger.events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
            EXECUTE format('CREATE UNIQUE INDEX %I ON ledger.%I (stream_id, stream_version)', name || '_stream', name);
            EXECUTE format('CREATE INDEX %I ON ledger.%I USING brin (recorded_at)', name || '_recorded_at', name);
            EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I '
                           'FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', name);
            EXECUTE format('ALTER TABLE ledger.events ATTACH PARTITION ledger.%I FOR VALUES FROM (%s) TO (%s)',
                           name, first, first + width);
            EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON ledger.%I FROM PUBLIC, CURRENT_USER', name);
        END IF;
    END IF;
    RETURN name;
END $$;

CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.events
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON ledger.events FROM PUBLIC, CURRENT_USER;

-- The global guard of stream versions (compare-and-set). Small and updated often, so it is kept HOT.
CREATE TABLE ledger.streams (
    stream_id text COLLATE "C" NOT NULL,
    shard     smallint NOT NULL,
    version   bigint NOT NULL CHECK (version > 0),
    first_position bigint NOT NULL,
    PRIMARY KEY (stream_id, shard)
) WITH (fillfactor = 50);

CREATE TABLE ledger.snapshots (
    stream_id text COLLATE "C" NOT NULL,
    shard     smallint NOT NULL,
    version   bigint NOT NULL,
    position  bigint NOT NULL,
    schema    smallint NOT NULL,
    state     bytea NOT NULL,
    PRIMARY KEY (stream_id, shard)
) WITH (fillfactor = 70);

-- Idempotency, kept for ever.
CREATE TABLE ledger.commands (
    command_id uuid NOT NULL,
    shard      smallint NOT NULL,
    input_hash bytea NOT NULL CHECK (octet_length(input_hash) = 32),
    position   bigint NOT NULL,
    at         timestamptz NOT NULL,
    refused    boolean NOT NULL,
    outcome    text NOT NULL,
    PRIMARY KEY (command_id, shard)
) PARTITION BY HASH (command_id);

DO $$ BEGIN
    FOR i IN 0..7 LOOP
        EXECUTE format('CREATE TABLE ledger.commands_h%s PARTITION OF ledger.commands FOR VALUES WITH (MODULUS 8, REMAINDER %s)', i, i);
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.commands_h%s '
                       'FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', i);
    END LOOP;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.commands
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- Fails the transaction when a compare-and-set did not touch every row that it had to.
CREATE FUNCTION ledger.expect(touched bigint, expected bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF touched <> expected THEN
        RAISE EXCEPTION 'compare-and-set touched % rows instead of %', touched, expected USING ERRCODE = 'MR001';
    END IF;
END $$;

-- The events of some streams after given versions, in the log's order; the positions let partitions be skipped that lie
-- before a stream's snapshot or birth. Only the (stream_id, stream_version) indexes are any good for it, which fresh
-- statistics do not always show.
CREATE FUNCTION ledger.stream_events(of_shard smallint, ids text[], after_versions bigint[], after_positions bigint[])
RETURNS SETOF ledger.events LANGUAGE sql STABLE SET enable_bitmapscan = off SET enable_seqscan = off AS $$
    SELECT e.* FROM unnest(ids, after_versions, after_positions) AS w(id, after_version, after_position)
    JOIN ledger.events e ON e.stream_id = w.id AND e.stream_version > w.after_version AND e.position > w.after_position
    WHERE e.shard = of_shard ORDER BY e.position
$$;

-- Fails the transaction when the head was not where the appender saw it.
CREATE FUNCTION ledger.expect_head(touched bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF touched <> 1 THEN
        RAISE EXCEPTION 'the head of the log has moved' USING ERRCODE = 'MR002';
    END IF;
END $$;
