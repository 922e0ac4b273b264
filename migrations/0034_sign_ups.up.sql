-- Who wants an account and has not proved the mailbox yet. Each attempt has a password and links of its own, and none takes the place of another (docs/adr/0053).
CREATE TABLE identity.sign_ups (
    sign_up_id uuid PRIMARY KEY,           -- the user's, once the mailbox is proved
    email      text NOT NULL,              -- '' where an account has the address: such a row is written so that it takes as long, and is worth nothing
    name       text NOT NULL,
    language   text NOT NULL CHECK (language IN ('en', 'zh-CN')),
    zone       text NOT NULL,
    password   text NOT NULL,              -- argon2id
    mails      integer NOT NULL DEFAULT 1, -- that were to have a link of it
    tries      integer NOT NULL DEFAULT 0, -- of its password, with one of its links
    created_at timestamptz NOT NULL
);
CREATE INDEX sign_ups_email ON identity.sign_ups (email, sign_up_id);
CREATE INDEX sign_ups_created ON identity.sign_ups (created_at);

CREATE TABLE identity.sign_up_links (
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    sign_up_id uuid NOT NULL REFERENCES identity.sign_ups ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sign_up_links_sign_up ON identity.sign_up_links (sign_up_id);

ALTER TABLE identity.mails ADD COLUMN sign_up_id uuid REFERENCES identity.sign_ups ON DELETE CASCADE; -- whose links the mail has; NULL for none
CREATE INDEX mails_sign_up ON identity.mails (sign_up_id) WHERE sign_up_id IS NOT NULL;

-- Of links for one purpose some stay good beside the newest.
ALTER TABLE identity.links ADD COLUMN link_no bigint GENERATED ALWAYS AS IDENTITY;

-- From here on there is no user whose mailbox nobody has proved.
INSERT INTO identity.sign_ups (sign_up_id, email, name, language, zone, password, created_at)
    SELECT user_id, email, name, language, zone, password, created_at FROM identity.users WHERE email_verified_at IS NULL AND deleted_at IS NULL AND password <> '';
DELETE FROM identity.users WHERE email_verified_at IS NULL AND deleted_at IS NULL;
