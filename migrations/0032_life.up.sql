-- By which identity at which service a session was made, so that its service can end it, and an organisation those that its own service has not made.
ALTER TABLE identity.sessions
    ADD COLUMN provider text NOT NULL DEFAULT '', -- '' for what is the person's own: a password, a passkey
    ADD COLUMN subject  text NOT NULL DEFAULT '',
    ADD COLUMN issuer_session text NOT NULL DEFAULT ''; -- the claim sid of its ID token
CREATE INDEX sessions_provider ON identity.sessions (provider, subject) WHERE provider <> '' AND revoked_at IS NULL;
ALTER TABLE identity.challenges
    ADD COLUMN provider text NOT NULL DEFAULT '',
    ADD COLUMN subject  text NOT NULL DEFAULT '',
    ADD COLUMN issuer_session text NOT NULL DEFAULT '';

-- Logout tokens that were followed: each is good once.
CREATE TABLE identity.logout_tokens (
    provider   text NOT NULL,
    jti_hash   bytea NOT NULL CHECK (octet_length(jti_hash) = 32),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (provider, jti_hash)
);
CREATE INDEX logout_tokens_expired ON identity.logout_tokens (expires_at);

-- Domains that were proved are looked at again.
ALTER TABLE identity.sso_domains
    ADD COLUMN checked_at    timestamptz, -- the last look that DNS has answered; NULL for none since the proof
    ADD COLUMN failures      integer NOT NULL DEFAULT 0, -- of looks since the record was there last
    ADD COLUMN failing_since timestamptz;

-- Whom to tell that a key has leaked: how far the log was read, and what keys are called there.
CREATE TABLE identity.mail_follower (
    shard    smallint PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0 CHECK (position >= 0)
);
INSERT INTO identity.mail_follower (shard) VALUES (0);
CREATE TABLE identity.mail_keys (
    key_id    uuid PRIMARY KEY,
    wallet_id uuid NOT NULL,
    issued_by text NOT NULL, -- an actor, as events name it
    label     text NOT NULL
);
