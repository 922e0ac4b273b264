-- Whom an organisation of several people has taken out does not come back by its issuer: hashes of what the issuer calls the person, and of the account's id.
CREATE TABLE identity.sso_removed (
    connection_id uuid NOT NULL REFERENCES identity.sso_connections ON DELETE CASCADE,
    who_hash      bytea NOT NULL CHECK (octet_length(who_hash) = 32),
    removed_at    timestamptz NOT NULL,
    PRIMARY KEY (connection_id, who_hash)
);

-- kind is 'subject' or 'user'.
CREATE FUNCTION identity.sso_who(connection uuid, kind text, id text) RETURNS bytea LANGUAGE sql STABLE STRICT
    RETURN sha256(convert_to(connection::text || ' ' || kind || ' ' || id, 'UTF8'));

-- Those who have left before, and what organisations that have ended still had.
DELETE FROM identity.sso_connections c USING identity.organisations o WHERE o.organisation_id = c.organisation_id AND o.deleted_at IS NOT NULL;
DELETE FROM identity.sso_domains d USING identity.organisations o WHERE o.organisation_id = d.organisation_id AND o.deleted_at IS NOT NULL;
INSERT INTO identity.sso_removed (connection_id, who_hash, removed_at)
SELECT c.connection_id, w.who_hash, now() FROM identity.external_identities i JOIN identity.sso_connections c ON i.provider = 'sso-' || c.connection_id
    CROSS JOIN LATERAL (VALUES (identity.sso_who(c.connection_id, 'subject', i.subject)), (identity.sso_who(c.connection_id, 'user', i.user_id::text))) AS w (who_hash)
WHERE NOT EXISTS (SELECT FROM identity.members m WHERE m.organisation_id = c.organisation_id AND m.user_id = i.user_id)
ON CONFLICT DO NOTHING;
DELETE FROM identity.external_identities i WHERE i.provider LIKE 'sso-%' AND NOT EXISTS (
    SELECT FROM identity.sso_connections c JOIN identity.members m USING (organisation_id) WHERE i.provider = 'sso-' || c.connection_id AND m.user_id = i.user_id);
DELETE FROM identity.oauth_pending p WHERE p.provider LIKE 'sso-%' AND NOT EXISTS (SELECT FROM identity.sso_connections c WHERE p.provider = 'sso-' || c.connection_id);

-- Mailboxes that somebody had before, as long as rows elsewhere may name them: an erasure finds those rows by them.
CREATE TABLE identity.former_emails (
    user_id uuid NOT NULL REFERENCES identity.users ON DELETE CASCADE,
    email   text NOT NULL,
    until   timestamptz NOT NULL,
    PRIMARY KEY (user_id, email)
);
CREATE INDEX former_emails_until ON identity.former_emails (until);
INSERT INTO identity.former_emails (user_id, email, until)
SELECT u.user_id, e.personal::json #>> '{values,before}', max(e.recorded_at) FROM audit.entries e JOIN identity.users u ON u.user_id = e.person
WHERE e.action = 'ConfirmEmail' AND e.personal IS NOT NULL AND e.personal::json #>> '{values,before}' IS NOT NULL GROUP BY 1, 2;

-- What was decided, or waited for too long, is forgotten after a while.
CREATE INDEX invitations_over ON identity.invitations (expires_at);
CREATE INDEX approvals_over ON identity.approvals (expires_at);
