-- First answers of inference calls that carried an Idempotency-Key. The caller's consent to keeping them is the header.
CREATE SCHEMA gateway;

CREATE TABLE gateway.answers (
    key_id        uuid NOT NULL,
    token_hash    bytea NOT NULL CHECK (octet_length(token_hash) = 32), -- SHA-256 of the Idempotency-Key
    body_hash     bytea NOT NULL CHECK (octet_length(body_hash) = 32),  -- SHA-256 of the request's body
    generation_id uuid NOT NULL,
    state         text NOT NULL CHECK (state IN ('running', 'kept', 'too_large')),
    lease_until   timestamptz NOT NULL, -- while running; afterwards somebody else may run the call anew
    expires_at    timestamptz NOT NULL, -- the row goes
    settlement    bytea,                -- the command that charges the call, written before it is sent
    settled       boolean NOT NULL DEFAULT false,
    streamed      boolean NOT NULL DEFAULT false,
    salt          bytea,
    sealed        bytea, -- AES-256-GCM under a key derived from the caller's API key: unreadable without it
    PRIMARY KEY (key_id, token_hash),
    CHECK (state <> 'kept' OR (salt IS NOT NULL AND sealed IS NOT NULL AND settlement IS NOT NULL))
);

CREATE INDEX answers_expires_at ON gateway.answers (expires_at);
CREATE INDEX answers_unsettled ON gateway.answers (lease_until) WHERE state <> 'running' AND NOT settled;
