-- Keys that sign access tokens. Their seeds are sealed; see docs/secrets.md. The newest that signs already is the one that signs.
CREATE TABLE identity.signing_keys (
    key_id     uuid PRIMARY KEY,
    seed       bytea NOT NULL,
    created_at timestamptz NOT NULL,
    signs_from timestamptz NOT NULL -- before, it is only published
);
CREATE INDEX signing_keys_from ON identity.signing_keys (signs_from);
