-- The transparency log: the Merkle tree over the events' leaf hashes, and every checkpoint that was signed. Only full tiles
-- are kept; partial ones follow from the events and from the roots of the tiles below.
CREATE TABLE ledger.log_tiles (
    shard  smallint NOT NULL,
    level  smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
    index  bigint NOT NULL CHECK (index >= 0),
    hashes bytea NOT NULL CHECK (octet_length(hashes) = 8192), -- 256 hashes
    root   bytea NOT NULL CHECK (octet_length(root) = 32),     -- their Merkle root: a hash of the next level
    PRIMARY KEY (shard, level, index)
);
-- Hashes do not compress.
ALTER TABLE ledger.log_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.log_tiles
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON ledger.log_tiles FROM PUBLIC, CURRENT_USER;

-- No origin ever has two checkpoints of one size.
CREATE TABLE ledger.log_checkpoints (
    shard     smallint NOT NULL,
    origin    text COLLATE "C" NOT NULL,
    size      bigint NOT NULL CHECK (size >= 0),
    root      bytea NOT NULL CHECK (octet_length(root) = 32),
    note      bytea NOT NULL, -- as it was signed
    signed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (shard, origin, size)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.log_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
REVOKE UPDATE, DELETE, TRUNCATE ON ledger.log_checkpoints FROM PUBLIC, CURRENT_USER;
