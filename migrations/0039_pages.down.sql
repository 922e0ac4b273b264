DROP INDEX identity.approvals_made;
CREATE INDEX approvals_open ON identity.approvals (expires_at) WHERE decision = '';
DROP INDEX identity.platform_grants_made;
DROP INDEX identity.invitations_organisation;
DROP INDEX identity.invitations_email;
CREATE INDEX invitations_email ON identity.invitations (email) WHERE ended_at IS NULL;
