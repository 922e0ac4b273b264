-- What each append asks for beside its rows, in few statements.

-- The head names its event, not only its position: a batch that was decided on another one of the same process must
-- not follow somebody else's event that came in its place.
ALTER TABLE ledger.log_heads ADD COLUMN event_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
UPDATE ledger.log_heads h SET event_id = e.event_id
    FROM ledger.events e WHERE e.shard = h.shard AND e.position = h.position;
ALTER TABLE ledger.log_heads ALTER COLUMN event_id DROP DEFAULT;

-- Takes the head's lock, waits for whoever has it, moves the head, and tells the listeners. Fails when the head was not
-- what the appender saw. Answers the database's clock.
CREATE FUNCTION ledger.move_head(of_shard smallint, from_position bigint, from_event uuid, to_position bigint, to_event uuid, at timestamptz)
RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ledger.log_heads SET position = to_position, event_id = to_event, recorded_at = at
        WHERE shard = of_shard AND position = from_position AND event_id = from_event AND recorded_at <= at;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the head of the log has moved' USING ERRCODE = 'MR002';
    END IF;
    PERFORM pg_notify('massrouter_log', to_position::text);
    RETURN clock_timestamp();
END $$;

-- Moves stream versions by compare-and-set, all or none. Each stream is found by its primary key, whatever the planner
-- believes of a table that was empty when it looked: a kept plan that reads the whole table would stay until the next
-- ANALYZE. The head's lock keeps others away, so a row stays where it was found.
CREATE FUNCTION ledger.move_streams(of_shard smallint, ids text[], from_versions bigint[], to_versions bigint[])
RETURNS void LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    moved bigint;
BEGIN
    UPDATE ledger.streams s SET version = f.to_version
        FROM (SELECT w.to_version, (SELECT x.ctid FROM ledger.streams x
                  WHERE x.stream_id = w.id AND x.shard = of_shard AND x.version = w.from_version) AS row
              FROM unnest(ids, from_versions, to_versions) AS w(id, from_version, to_version)) AS f
        WHERE s.ctid = f.row;
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved <> cardinality(ids) THEN
        RAISE EXCEPTION 'compare-and-set touched % rows instead of %', moved, cardinality(ids) USING ERRCODE = 'MR001';
    END IF;
END $$;

DROP FUNCTION ledger.expect(bigint, bigint);
