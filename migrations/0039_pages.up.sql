-- Invitations, roles on the platform and approvals are read page by page: a page is a part of an index.
DROP INDEX identity.invitations_email;
CREATE INDEX invitations_email ON identity.invitations (email, expires_at, invitation_id) WHERE ended_at IS NULL;
CREATE INDEX invitations_organisation ON identity.invitations (organisation_id, expires_at, invitation_id) WHERE ended_at IS NULL;
CREATE INDEX platform_grants_made ON identity.platform_grants (created_at, grant_id);
DROP INDEX identity.approvals_open;
CREATE INDEX approvals_made ON identity.approvals (created_at, approval_id);
