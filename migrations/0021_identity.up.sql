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

-- An organisation is a tenant: it has a wallet, and people have roles in it. Everybody has one of the own.
CREATE TABLE identity.organisations (
    organisation_id uuid PRIMARY KEY,
    wallet_id       uuid NOT NULL UNIQUE,
    name            text NOT NULL,
    personal_of     uuid UNIQUE REFERENCES identity.users ON DELETE CASCADE, -- whose own it is; NULL for one of several people
    created_at      timestamptz NOT NULL,
    deleted_at      timestamptz
);

CREATE TABLE identity.members (
    organisation_id uuid NOT NULL REFERENCES identity.organisations ON DELETE CASCADE,
    user_id         uuid NOT NULL REFERENCES identity.users ON DELETE CASCADE,
    role            text NOT NULL CHECK (role IN ('owner', 'admin', 'finance', 'developer', 'viewer')),
    joined_at       timestamptz NOT NULL,
    PRIMARY KEY (organisation_id, user_id)
);
CREATE INDEX members_user ON identity.members (user_id);

CREATE TABLE identity.invitations (
    invitation_id   uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES identity.organisations ON DELETE CASCADE,
    email           text NOT NULL,
    role            text NOT NULL CHECK (role IN ('admin', 'finance', 'developer', 'viewer')),
    invited_by      uuid NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    ended_at        timestamptz, -- accepted, declined or withdrawn
    ended_as        text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX invitations_open ON identity.invitations (organisation_id, email) WHERE ended_at IS NULL;
CREATE INDEX invitations_email ON identity.invitations (email) WHERE ended_at IS NULL;

-- Second factors. Secrets are sealed; see docs/secrets.md.
CREATE TABLE identity.totp (
    user_id      uuid PRIMARY KEY REFERENCES identity.users ON DELETE CASCADE,
    secret       bytea NOT NULL,
    created_at   timestamptz NOT NULL,
    confirmed_at timestamptz,               -- NULL until a first code was shown
    used_step    bigint NOT NULL DEFAULT 0  -- of the last code: none up to it is good again
);

CREATE TABLE identity.recovery_codes (
    user_id   uuid NOT NULL REFERENCES identity.users ON DELETE CASCADE,
    code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
    used_at   timestamptz,
    PRIMARY KEY (user_id, code_hash)
);

-- Who is on the way to sign in, or to show a factor once more. The machine's state is here, not at the client.
CREATE TABLE identity.challenges (
    challenge_id uuid PRIMARY KEY,
    secret_hash  bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
    user_id      uuid NOT NULL REFERENCES identity.users ON DELETE CASCADE,
    audience     text NOT NULL CHECK (audience IN ('portal', 'admin')),
    session_id   uuid,             -- whose factors are to be fresh; NULL when somebody signs in
    factors      text[] NOT NULL,  -- shown so far
    credentials  bigint NOT NULL,  -- of the user when it began
    tries        integer NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    ended_at     timestamptz
);
CREATE INDEX challenges_expired ON identity.challenges (expires_at);

CREATE TABLE identity.passkeys (
    credential_id bytea PRIMARY KEY,
    passkey_id    uuid NOT NULL UNIQUE,
    user_id       uuid NOT NULL REFERENCES identity.users ON DELETE CASCADE,
    name          text NOT NULL,
    credential    jsonb NOT NULL, -- the public key, counters and flags
    created_at    timestamptz NOT NULL,
    used_at       timestamptz
);
CREATE INDEX passkeys_user ON identity.passkeys (user_id);

-- A passkey's ceremony that has begun: what the browser was asked to sign.
CREATE TABLE identity.ceremonies (
    secret_hash bytea PRIMARY KEY CHECK (octet_length(secret_hash) = 32),
    purpose     text NOT NULL,
    user_id     uuid REFERENCES identity.users ON DELETE CASCADE, -- NULL when the passkey is to say who it is
    session     jsonb NOT NULL,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX ceremonies_expired ON identity.ceremonies (expires_at);
