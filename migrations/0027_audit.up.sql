-- The audit trail: who did what. An entry is written in the transaction of what it tells of, and chained a moment later, so that nobody waits for
-- anybody (docs/adr/0043). Only what is personal can be taken out of an entry, and that leaves its hash as it was.
CREATE SCHEMA audit;

CREATE TABLE audit.entries (
    entry_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- rises with the time of writing; has gaps
    recorded_at     timestamptz NOT NULL,
    body            json NOT NULL, -- as it is hashed; see domain/trail
    personal        text,          -- JSON; NULL when there was nothing, or when it was erased
    salt            bytea CHECK (octet_length(salt) = 16),          -- goes with it
    personal_hash   bytea CHECK (octet_length(personal_hash) = 32), -- of salt and personal; stays
    actor           text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'actor') STORED,
    action          text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'action') STORED,
    result          text COLLATE "C" NOT NULL GENERATED ALWAYS AS (body ->> 'result') STORED,
    target          text COLLATE "C" GENERATED ALWAYS AS (body ->> 'target') STORED,
    person          uuid GENERATED ALWAYS AS ((body ->> 'person')::uuid) STORED,
    wallet_id       uuid GENERATED ALWAYS AS ((body ->> 'wallet_id')::uuid) STORED,
    organisation_id uuid GENERATED ALWAYS AS ((body ->> 'organisation_id')::uuid) STORED,
    request_id      uuid GENERATED ALWAYS AS ((body ->> 'request_id')::uuid) STORED,
    command_id      uuid GENERATED ALWAYS AS ((body ->> 'command_id')::uuid) STORED,
    CHECK ((personal IS NULL) = (salt IS NULL) AND (personal IS NULL OR personal_hash IS NOT NULL))
);
CREATE INDEX entries_recorded_at ON audit.entries (recorded_at);
CREATE INDEX entries_actor ON audit.entries (actor, entry_id);
CREATE INDEX entries_action ON audit.entries (action, entry_id);
CREATE INDEX entries_target ON audit.entries (target, entry_id) WHERE target IS NOT NULL;
CREATE INDEX entries_wallet ON audit.entries (wallet_id, entry_id) WHERE wallet_id IS NOT NULL;
CREATE INDEX entries_organisation ON audit.entries (organisation_id, entry_id) WHERE organisation_id IS NOT NULL;
CREATE INDEX entries_request ON audit.entries (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX entries_command ON audit.entries (command_id) WHERE command_id IS NOT NULL;
CREATE INDEX entries_personal ON audit.entries (person) WHERE personal IS NOT NULL;

-- The chain: dense from 1, one link an entry.
CREATE TABLE audit.seals (
    sequence  bigint PRIMARY KEY CHECK (sequence > 0),
    entry_id  bigint NOT NULL UNIQUE,
    sealed_at timestamptz NOT NULL,
    hash      bytea NOT NULL CHECK (octet_length(hash) = 32) -- of the link before, the entry and this link
);

-- Entries that wait for their link.
CREATE TABLE audit.unsealed (entry_id bigint PRIMARY KEY);

-- The last link; its row is the lock of who makes links.
CREATE TABLE audit.head (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    sequence bigint NOT NULL CHECK (sequence >= 0),
    hash     bytea NOT NULL CHECK (octet_length(hash) = 32),
    position bigint NOT NULL -- of the ledger, when the trail began: what came later has entries
);
INSERT INTO audit.head SELECT true, 0, sha256('massrouter audit trail'), coalesce(max(position), 0) FROM ledger.log_heads;

-- Heads that were signed with the key of the transparency log.
CREATE TABLE audit.signed_heads (
    sequence  bigint PRIMARY KEY CHECK (sequence > 0),
    hash      bytea NOT NULL CHECK (octet_length(hash) = 32),
    note      text NOT NULL, -- as it was signed
    signed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Entries, in the transaction of their change. personals has '' for nothing.
CREATE FUNCTION audit.record(bodies text[], personals text[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO audit.entries (recorded_at, body, personal, salt, personal_hash)
    SELECT clock_timestamp(), n.body::json, nullif(n.personal, ''), CASE WHEN n.personal <> '' THEN n.salt END,
        CASE WHEN n.personal <> '' THEN sha256(n.salt || convert_to(n.personal, 'UTF8')) END
    FROM (SELECT body, personal, uuid_send(gen_random_uuid()) AS salt, place
          FROM unnest(bodies, personals) WITH ORDINALITY AS u(body, personal, place) OFFSET 0) AS n ORDER BY n.place
$$;

CREATE FUNCTION audit.wait() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit.unsealed VALUES (NEW.entry_id);
    RETURN NULL;
END $$;
CREATE TRIGGER waits AFTER INSERT ON audit.entries FOR EACH ROW EXECUTE FUNCTION audit.wait();

CREATE FUNCTION audit.micros(at timestamptz) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT int8send((extract(epoch FROM at) * 1000000)::bigint)
$$;

-- Makes the links of at most so many entries that wait, in the order of writing; answers how many. One session at a time.
CREATE FUNCTION audit.seal(most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    last audit.head;
    e    record;
    at   timestamptz;
    made integer := 0;
BEGIN
    SELECT * INTO last FROM audit.head FOR UPDATE;
    FOR e IN SELECT entry_id, recorded_at, convert_to(body::text, 'UTF8') AS body, coalesce(personal_hash, ''::bytea) AS personal_hash
             FROM audit.unsealed JOIN audit.entries USING (entry_id) ORDER BY entry_id LIMIT most
    LOOP
        at := clock_timestamp();
        last.sequence := last.sequence + 1;
        last.hash := sha256(last.hash || int8send(last.sequence) || audit.micros(at) || sha256(
            int8send(e.entry_id) || audit.micros(e.recorded_at) || int8send(octet_length(e.body)) || e.body || e.personal_hash));
        INSERT INTO audit.seals VALUES (last.sequence, e.entry_id, at, last.hash);
        DELETE FROM audit.unsealed WHERE entry_id = e.entry_id;
        made := made + 1;
    END LOOP;
    IF made > 0 THEN
        UPDATE audit.head SET sequence = last.sequence, hash = last.hash;
    END IF;
    RETURN made;
END $$;

-- The one change of an entry that there is: what is personal goes.
CREATE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.personal IS NULL AND NEW.salt IS NULL AND NEW.entry_id = OLD.entry_id AND NEW.recorded_at = OLD.recorded_at
        AND NEW.body::text = OLD.body::text AND NEW.personal_hash IS NOT DISTINCT FROM OLD.personal_hash THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the audit trail is append-only: % on % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE ON audit.entries FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER never_less BEFORE DELETE OR TRUNCATE ON audit.entries FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.seals FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.signed_heads FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER never_less BEFORE DELETE OR TRUNCATE ON audit.head FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON audit.entries, audit.seals, audit.signed_heads FROM PUBLIC, CURRENT_USER;
REVOKE DELETE, TRUNCATE ON audit.head FROM PUBLIC, CURRENT_USER;
GRANT UPDATE (personal, salt) ON audit.entries TO CURRENT_USER;
