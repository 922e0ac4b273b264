-- People: relational and erasable. Events name them by ids only.
CREATE SCHEMA identity;

CREATE TABLE identity.users (
    user_id           uuid PRIMARY KEY,
    email             text NOT NULL,             -- in its one form; see identity/address
    email_verified_at timestamptz,
    name              text NOT NULL DEFAULT '',
    language          text NOT NULL CHECK (language IN ('en', 'zh-CN')),
    zone              text NOT NULL,             -- of IANA's database
    password          text NOT NULL DEFAULT '',  -- argon2id; '' for none
    credentials       bigint NOT NULL DEFAULT 1, -- grows when what somebody signs in with changes: older links are void
    created_at        timestamptz NOT NULL,
    deleted_at        timestamptz
);
CREATE UNIQUE INDEX users_email ON identity.users (email) WHERE deleted_at IS NULL;

-- A session is a family of refresh tokens: each is used once and makes the next one.
CREATE TABLE identity.sessions (
    session_id       uuid PRIMARY KEY,
    user_id          uuid NOT NULL REFERENCES identity.users ON DELETE CASCADE,
    audience         text NOT NULL CHECK (audience IN ('portal', 'admin')),
    nonce            bytea NOT NULL CHECK (octet_length(nonce) = 32), -- the next token follows from it and the one before
    created_at       timestamptz NOT NULL,
    authenticated_at timestamptz NOT NULL, -- when the last factor was shown
    factors          text[] NOT NULL,
    user_agent       text NOT NULL,
    address          inet NOT NULL,
    seen_at          timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    revoked_at       timestamptz,
    revoked_for      text NOT NULL DEFAULT ''
);
CREATE INDEX sessions_user ON identity.sessions (user_id, created_at);
CREATE INDEX sessions_revoked ON identity.sessions (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE identity.refresh_tokens (
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    session_id uuid NOT NULL REFERENCES identity.sessions ON DELETE CASCADE,
    issued_at  timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX refresh_tokens_session ON identity.refresh_tokens (session_id);

-- What is to be told to somebody by mail, written with the change that it tells of. Links are made when a mail is sent: no secret lies here.
CREATE TABLE identity.mails (
    mail_id    uuid PRIMARY KEY,
    user_id    uuid REFERENCES identity.users ON DELETE CASCADE, -- whose links the mail has; NULL for none
    recipient  text NOT NULL,
    kind       text NOT NULL,
    language   text NOT NULL CHECK (language IN ('en', 'zh-CN')),
    details    jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    due_at     timestamptz NOT NULL, -- of the next attempt
    attempts   integer NOT NULL DEFAULT 0,
    claimed_by uuid,
    sent_at    timestamptz,
    failed_at  timestamptz,          -- given up
    error      text NOT NULL DEFAULT ''
);
CREATE INDEX mails_due ON identity.mails (due_at) WHERE sent_at IS NULL AND failed_at IS NULL;

-- Links that were sent by mail.
CREATE TABLE identity.links (
    token_hash  bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    purpose     text NOT NULL,
    user_id     uuid NOT NULL REFERENCES identity.users ON DELETE CASCADE,
    email       text NOT NULL,   -- the mailbox that it proves
    credentials bigint NOT NULL, -- of the user when it was made: void when they have changed
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz
);
CREATE INDEX links_user ON identity.links (user_id, purpose);
