-- Telephones of people, and the text messages that are sent to them.
CREATE TABLE identity.phones (
    user_id     uuid PRIMARY KEY REFERENCES identity.users ON DELETE CASCADE,
    number      text NOT NULL, -- E.164
    verified_at timestamptz NOT NULL
);
CREATE INDEX phones_number ON identity.phones (number);

-- Codes that were asked for: one of each purpose is open. A code is made when its message is sent; no code lies here in clear.
CREATE TABLE identity.phone_codes (
    user_id    uuid NOT NULL REFERENCES identity.users ON DELETE CASCADE,
    purpose    text NOT NULL CHECK (purpose IN ('confirm', 'factor')),
    code_id    uuid NOT NULL, -- another one each time that a code is asked for
    number     text NOT NULL,
    about      uuid,          -- the challenge that a factor's code is for
    code_hash  bytea CHECK (octet_length(code_hash) = 32), -- NULL until a message is being sent
    tries      integer NOT NULL DEFAULT 0,
    asks       integer NOT NULL, -- in a row, for the pause before the next one
    asked_at   timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    PRIMARY KEY (user_id, purpose)
);
CREATE INDEX phone_codes_expired ON identity.phone_codes (expires_at);

-- Messages that are to be sent, written with what they follow from.
CREATE TABLE identity.messages (
    message_id  uuid PRIMARY KEY, -- the code's
    user_id     uuid NOT NULL REFERENCES identity.users ON DELETE CASCADE,
    number      text NOT NULL,
    purpose     text NOT NULL,
    language    text NOT NULL CHECK (language IN ('en', 'zh-CN')),
    created_at  timestamptz NOT NULL,
    due_at      timestamptz NOT NULL, -- of the next attempt
    late_at     timestamptz NOT NULL, -- from then on it is not sent any more
    attempts    integer NOT NULL DEFAULT 0,
    sent_at     timestamptz,
    failed_at   timestamptz,          -- given up
    provider_id text NOT NULL DEFAULT '',
    error       text NOT NULL DEFAULT ''
);
CREATE INDEX messages_due ON identity.messages (due_at) WHERE sent_at IS NULL AND failed_at IS NULL;

-- How many messages were asked for: by number, account, network and country. Subjects are hashes.
CREATE TABLE identity.message_counts (
    cap      text NOT NULL,
    subject  bytea NOT NULL CHECK (octet_length(subject) = 32),
    began_at timestamptz NOT NULL,
    ends_at  timestamptz NOT NULL,
    used     integer NOT NULL,
    PRIMARY KEY (cap, subject)
);
CREATE INDEX message_counts_ended ON identity.message_counts (ends_at);
