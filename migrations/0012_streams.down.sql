-- Triggers and rights go with the table.
CREATE TEMPORARY TABLE kept ON COMMIT DROP AS
    SELECT s.stream_id, s.shard, max(e.stream_version) AS version, s.first_position
    FROM ledger.streams s JOIN ledger.events e ON e.stream_id = s.stream_id AND e.shard = s.shard GROUP BY s.stream_id, s.shard;
DROP TABLE ledger.streams;
CREATE TABLE ledger.streams (
    stream_id text COLLATE "C" NOT NULL,
    shard     smallint NOT NULL,
    version   bigint NOT NULL CHECK (version > 0),
    first_position bigint NOT NULL,
    PRIMARY KEY (stream_id, shard)
) WITH (fillfactor = 50);
INSERT INTO ledger.streams SELECT stream_id, shard, version, first_position FROM kept;

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
