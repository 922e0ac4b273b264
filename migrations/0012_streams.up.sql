-- A stream's row is written once, when it begins. Its version is that of its last event: the head's compare-and-set lets an
-- appender follow only the very event that it saw, and what it remembers of streams there is compared before (docs/adr/0021).
CREATE TEMPORARY TABLE kept ON COMMIT DROP AS SELECT stream_id, shard, first_position FROM ledger.streams;
DROP TABLE ledger.streams;
CREATE TABLE ledger.streams (
    stream_id      text COLLATE "C" NOT NULL,
    shard          smallint NOT NULL,
    first_position bigint NOT NULL, -- or one before it, in the same commit
    PRIMARY KEY (stream_id, shard)
);
INSERT INTO ledger.streams SELECT stream_id, shard, first_position FROM kept;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.streams
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON ledger.streams FROM PUBLIC, CURRENT_USER;

DROP FUNCTION ledger.move_streams(smallint, text[], bigint[], bigint[]);
