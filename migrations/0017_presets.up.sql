-- Presets: what calls may leave unsaid. They are the customers' texts and not part of the ledger: a generation's record names the preset
-- and the version, and both can be erased.
CREATE TABLE gateway.presets (
    preset_id   uuid PRIMARY KEY,
    wallet_id   uuid NOT NULL,
    slug        text NOT NULL,
    created_at  timestamptz NOT NULL,
    created_by  text NOT NULL,
    archived_at timestamptz, -- no call may use it any more
    archived_by text NOT NULL DEFAULT '',
    UNIQUE (wallet_id, slug)
);

CREATE TABLE gateway.preset_versions (
    preset_id     uuid NOT NULL REFERENCES gateway.presets ON DELETE CASCADE,
    version       bigint NOT NULL CHECK (version > 0), -- without gaps; the highest is in force
    command_id    uuid NOT NULL UNIQUE,                -- of the request that made it
    content_hash  bytea NOT NULL CHECK (octet_length(content_hash) = 32),
    description   text NOT NULL,
    system_prompt text NOT NULL,
    parameters    text NOT NULL, -- a JSON object, as it was given
    created_at    timestamptz NOT NULL,
    created_by    text NOT NULL,
    PRIMARY KEY (preset_id, version)
);
