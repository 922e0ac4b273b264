DROP INDEX identity.approvals_over;
DROP INDEX identity.invitations_over;
DROP TABLE identity.former_emails;
DROP FUNCTION identity.sso_who(uuid, text, text);
DROP TABLE identity.sso_removed;
