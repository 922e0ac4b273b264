-- A column that is dropped leaves its number behind, so the table is made anew.
CREATE TEMPORARY TABLE kept ON COMMIT DROP AS SELECT * FROM views.keys_v1;
DROP TABLE views.keys_v1;
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
    position        bigint NOT NULL, -- of the key's last event
    app_id          uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000'
);
CREATE UNIQUE INDEX ON views.keys_v1 (wallet_id, issued_position);
CREATE INDEX keys_v1_position ON views.keys_v1 (position);
INSERT INTO views.keys_v1 SELECT key_id, wallet_id, label, hash, old_hash, old_hash_until, limits, disabled, disabled_reason, revoked,
    revoked_reason, issued_at, issued_position, updated_at, position, app_id FROM kept;
ALTER TABLE IF EXISTS views_kept.keys_v1 DROP COLUMN IF EXISTS scope;
ALTER TABLE IF EXISTS views_building.keys_v1 DROP COLUMN IF EXISTS scope;
