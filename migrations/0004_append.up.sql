-- What each append and each load asks for, as functions whose plans are kept for the session: a load was planned anew
-- each time before, which took longer than running it.

-- Takes the head's lock, waits for whoever has it, moves the head, and tells the listeners. Fails when the head was not
-- where the appender saw it. Answers the database's clock.
CREATE FUNCTION ledger.move_head(of_shard smallint, from_position bigint, to_position bigint, at timestamptz)
RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ledger.log_heads SET position = to_position, recorded_at = at
        WHERE shard = of_shard AND position = from_position AND recorded_at <= at;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the head of the log has moved' USING ERRCODE = 'MR002';
    END IF;
    PERFORM pg_notify('massrouter_log', to_position::text);
    RETURN clock_timestamp();
END $$;

-- Moves stream versions by compare-and-set, all or none. Only the primary key is any good for it: a plan that reads the
-- whole table looks cheap while the table is small, but reads its dead rows too.
CREATE FUNCTION ledger.move_streams(of_shard smallint, ids text[], from_versions bigint[], to_versions bigint[])
RETURNS void LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    moved bigint;
BEGIN
    UPDATE ledger.streams s SET version = w.to_version
        FROM unnest(ids, from_versions, to_versions) AS w(id, from_version, to_version)
        WHERE s.stream_id = w.id AND s.shard = of_shard AND s.version = w.from_version;
    GET DIAGNOSTICS moved = ROW_COUNT;
    IF moved <> cardinality(ids) THEN
        RAISE EXCEPTION 'compare-and-set touched % rows instead of %', moved, cardinality(ids) USING ERRCODE = 'MR001';
    END IF;
END $$;

DROP FUNCTION ledger.expect(bigint, bigint);

-- As before, but its plan is kept.
CREATE OR REPLACE FUNCTION ledger.stream_events(of_shard smallint, ids text[], after_versions bigint[], after_positions bigint[])
RETURNS SETOF ledger.events LANGUAGE plpgsql STABLE SET enable_bitmapscan = off SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT e.* FROM unnest(ids, after_versions, after_positions) AS w(id, after_version, after_position)
        JOIN ledger.events e ON e.stream_id = w.id AND e.stream_version > w.after_version AND e.position > w.after_position
        WHERE e.shard = of_shard ORDER BY e.position;
END $$;
