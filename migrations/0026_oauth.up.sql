-- Sign-in by services of others, keys for apps of others, and single sign-on of organisations. Beside the ledger, and erased with whom it is about.

-- What somebody has at a service: (provider, subject) never changes there; mailbox and name may.
CREATE TABLE identity.external_identities (
    identity_id uuid PRIMARY KEY,
    provider    text NOT NULL,            -- of the configuration, or sso-<connection>
    subject     text NOT NULL,            -- the service's own id of the person
    user_id     uuid NOT NULL REFERENCES identity.users ON DELETE CASCADE,
    email       text NOT NULL DEFAULT '', -- as the service said last, proved or not
    name        text NOT NULL DEFAULT '',
    linked_at   timestamptz NOT NULL,
    used_at     timestamptz NOT NULL,
    UNIQUE (provider, subject)
);
CREATE INDEX external_identities_user ON identity.external_identities (user_id, linked_at);

-- Browsers that were sent to a service and may come back once. The secrets of the way there follow from what the browser keeps: none lies here.
CREATE TABLE identity.oauth_flows (
    state_hash   bytea PRIMARY KEY CHECK (octet_length(state_hash) = 32),
    browser_hash bytea NOT NULL CHECK (octet_length(browser_hash) = 32),
    provider     text NOT NULL,
    purpose      text NOT NULL CHECK (purpose IN ('sign_in', 'link', 'confirm')),
    audience     text NOT NULL CHECK (audience IN ('portal', 'admin')),
    user_id      uuid REFERENCES identity.users ON DELETE CASCADE, -- who links or confirms; NULL for a sign-in
    session_id   uuid,
    return_to    text NOT NULL, -- a path of our own
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX oauth_flows_expired ON identity.oauth_flows (expires_at);

-- Identities that a service has shown and that belong to nobody yet: their browser may link them once somebody has signed in there.
CREATE TABLE identity.oauth_pending (
    secret_hash bytea PRIMARY KEY CHECK (octet_length(secret_hash) = 32),
    provider    text NOT NULL,
    subject     text NOT NULL,
    email       text NOT NULL,
    name        text NOT NULL,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX oauth_pending_expired ON identity.oauth_pending (expires_at);

-- Codes by which an app gets the key that somebody has granted it.
CREATE TABLE identity.app_codes (
    code_id      uuid PRIMARY KEY, -- the key's id follows from it
    code_hash    bytea NOT NULL UNIQUE CHECK (octet_length(code_hash) = 32),
    user_id      uuid REFERENCES identity.users ON DELETE CASCADE, -- who has granted it; NULL for a management key
    wallet_id    uuid NOT NULL,
    actor        text NOT NULL,    -- as events name it
    challenge    text NOT NULL,    -- of PKCE; '' for none
    method       text NOT NULL CHECK (method IN ('', 'plain', 'S256')),
    limits       jsonb NOT NULL,   -- of the key
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    tries        integer NOT NULL DEFAULT 0,
    used_at      timestamptz
);
CREATE INDEX app_codes_expired ON identity.app_codes (expires_at);

-- An organisation's own issuer.
CREATE TABLE identity.sso_connections (
    connection_id   uuid PRIMARY KEY,
    organisation_id uuid NOT NULL UNIQUE REFERENCES identity.organisations ON DELETE CASCADE,
    issuer          text NOT NULL,
    client_id       text NOT NULL,
    client_secret   bytea NOT NULL, -- sealed; see docs/secrets.md
    role            text NOT NULL CHECK (role IN ('admin', 'finance', 'developer', 'viewer')), -- of who joins by it
    enforced        boolean NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);

-- Domains of mailboxes that an organisation says are its own. One organisation at most has proved it.
CREATE TABLE identity.sso_domains (
    organisation_id uuid NOT NULL REFERENCES identity.organisations ON DELETE CASCADE,
    domain          text NOT NULL, -- in ASCII, lower case
    token           text NOT NULL, -- what its TXT record has to hold; public once it is there
    created_at      timestamptz NOT NULL,
    verified_at     timestamptz,
    PRIMARY KEY (organisation_id, domain)
);
CREATE UNIQUE INDEX sso_domains_verified ON identity.sso_domains (domain) WHERE verified_at IS NOT NULL;
