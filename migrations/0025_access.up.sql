-- Roles on the platform: granted to people for a time.
CREATE TABLE identity.platform_grants (
    grant_id    uuid PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES identity.users ON DELETE CASCADE,
    role        text NOT NULL CHECK (role IN ('support', 'operator', 'catalogue', 'finance', 'auditor', 'owner', 'read-only')),
    reason      text NOT NULL,
    granted_by  text NOT NULL,            -- an actor: "operator:token", "user:<uuid>"
    approved_by text NOT NULL DEFAULT '', -- another one; '' when the operator's command line granted it
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    ended_at    timestamptz,              -- before its time
    ended_by    text NOT NULL DEFAULT '',
    CHECK (expires_at > created_at),
    CHECK (approved_by <> granted_by)
);
CREATE INDEX platform_grants_user ON identity.platform_grants (user_id) WHERE ended_at IS NULL;

-- What one person asked for and another has to approve: the request as it came, which is made once it is approved.
CREATE TABLE identity.approvals (
    approval_id  uuid PRIMARY KEY,
    operation    text NOT NULL,
    method       text NOT NULL,
    path         text NOT NULL, -- with its query
    body         text NOT NULL,
    permission   text NOT NULL, -- that who approves needs as well
    requested_by uuid NOT NULL REFERENCES identity.users ON DELETE CASCADE,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    decision     text NOT NULL DEFAULT '' CHECK (decision IN ('', 'approved', 'refused', 'withdrawn')),
    decided_by   uuid REFERENCES identity.users ON DELETE SET NULL,
    decided_at   timestamptz,
    status       integer, -- of the answer, once it was made
    answer       text NOT NULL DEFAULT '',
    CHECK (decision IN ('', 'withdrawn') OR decided_by IS DISTINCT FROM requested_by),
    CHECK ((decision = '') = (decided_at IS NULL))
);
CREATE INDEX approvals_open ON identity.approvals (expires_at) WHERE decision = '';

-- The second wall: queries made for a tenant run as this role, which sees the rows of the wallets named in the transaction only (massrouter.tenant, ids
-- with commas between them). Without the setting it sees none. Roles are of the whole server, so another database may have made it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'massrouter_tenant') THEN
        BEGIN
            CREATE ROLE massrouter_tenant NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- made at the same moment
        END;
    END IF;
    IF NOT pg_has_role(CURRENT_USER, 'massrouter_tenant', 'MEMBER') THEN
        EXECUTE format('GRANT massrouter_tenant TO %I', CURRENT_USER);
    END IF;
END $$;

CREATE FUNCTION identity.tenants() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
    RETURN string_to_array(current_setting('massrouter.tenant', true), ',')::uuid[];

GRANT USAGE ON SCHEMA views, identity TO massrouter_tenant;

-- Partitions are reached through their tables only, whose policies hold for them.
DO $$
DECLARE
    name text;
    owned boolean;
BEGIN
    FOR name, owned IN
        SELECT c.oid::regclass::text, EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'wallet_id' AND NOT a.attisdropped)
        FROM pg_class c WHERE c.relnamespace = 'views'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    LOOP
        EXECUTE format('GRANT SELECT ON %s TO massrouter_tenant', name);
        IF owned THEN
            EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
            EXECUTE format('CREATE POLICY tenant ON %s FOR SELECT TO massrouter_tenant USING (wallet_id = ANY ((SELECT identity.tenants())::uuid[]))', name);
        END IF;
    END LOOP;
END $$;

GRANT SELECT ON identity.organisations, identity.members, identity.invitations TO massrouter_tenant;
GRANT SELECT (user_id, email, name) ON identity.users TO massrouter_tenant;
ALTER TABLE identity.organisations ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.members ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.invitations ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON identity.organisations FOR SELECT TO massrouter_tenant USING (wallet_id = ANY ((SELECT identity.tenants())::uuid[]));
CREATE POLICY tenant ON identity.members FOR SELECT TO massrouter_tenant
    USING (organisation_id IN (SELECT o.organisation_id FROM identity.organisations o));
CREATE POLICY tenant ON identity.invitations FOR SELECT TO massrouter_tenant
    USING (organisation_id IN (SELECT o.organisation_id FROM identity.organisations o));
-- Of people it sees those who belong to its organisations.
ALTER TABLE identity.users ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON identity.users FOR SELECT TO massrouter_tenant USING (user_id IN (SELECT m.user_id FROM identity.members m));
