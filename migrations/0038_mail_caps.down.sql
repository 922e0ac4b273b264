DROP INDEX identity.invitations_inviter;
DROP INDEX identity.mails_recipient;
ALTER TABLE identity.mails DROP COLUMN let_at;
