CREATE OR REPLACE FUNCTION ledger.stream_events(of_shard smallint, ids text[], after_versions bigint[], after_positions bigint[])
RETURNS SETOF ledger.events LANGUAGE sql STABLE SET enable_bitmapscan = off SET enable_seqscan = off AS $$
    SELECT e.* FROM unnest(ids, after_versions, after_positions) AS w(id, after_version, after_position)
    JOIN ledger.events e ON e.stream_id = w.id AND e.stream_version > w.after_version AND e.position > w.after_position
    WHERE e.shard = of_shard ORDER BY e.position
$$;

CREATE FUNCTION ledger.expect(touched bigint, expected bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF touched <> expected THEN
        RAISE EXCEPTION 'compare-and-set touched % rows instead of %', touched, expected USING ERRCODE = 'MR001';
    END IF;
END $$;

DROP FUNCTION ledger.move_streams(smallint, text[], bigint[], bigint[]);
DROP FUNCTION ledger.move_head(smallint, bigint, bigint, timestamptz);
