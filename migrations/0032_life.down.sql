DROP TABLE identity.mail_keys;
DROP TABLE identity.mail_follower;
ALTER TABLE identity.sso_domains DROP COLUMN checked_at, DROP COLUMN failures, DROP COLUMN failing_since;
DROP TABLE identity.logout_tokens;
ALTER TABLE identity.challenges DROP COLUMN provider, DROP COLUMN subject, DROP COLUMN issuer_session;
DROP INDEX identity.sessions_provider;
ALTER TABLE identity.sessions DROP COLUMN provider, DROP COLUMN subject, DROP COLUMN issuer_session;
