ALTER POLICY tenant ON identity.users USING (user_id IN (SELECT m.user_id FROM identity.members m));
ALTER POLICY tenant ON identity.invitations USING (organisation_id IN (SELECT o.organisation_id FROM identity.organisations o));
ALTER POLICY tenant ON identity.members USING (organisation_id IN (SELECT o.organisation_id FROM identity.organisations o));
DROP POLICY tenant ON audit.seals;
DROP POLICY tenant ON audit.entries;
ALTER TABLE audit.seals DISABLE ROW LEVEL SECURITY;
ALTER TABLE audit.entries DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON audit.entries, audit.seals FROM massrouter_tenant;
REVOKE USAGE ON SCHEMA audit FROM massrouter_tenant;
DROP POLICY tenant ON identity.sso_domains;
DROP POLICY tenant ON identity.sso_connections;
ALTER TABLE identity.sso_domains DISABLE ROW LEVEL SECURITY;
ALTER TABLE identity.sso_connections DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON identity.sso_connections, identity.sso_domains FROM massrouter_tenant;
REVOKE SELECT (connection_id, organisation_id, issuer, client_id, role, enforced, created_at, updated_at) ON identity.sso_connections FROM massrouter_tenant;
DO $$
DECLARE
    slot text;
    name text;
BEGIN
    FOREACH slot IN ARRAY ARRAY['views', 'views_building', 'views_kept'] LOOP
        FOREACH name IN ARRAY ARRAY['keys_spend_v1', 'generations_ends_v1', 'generations_corrections_v1'] LOOP
            IF to_regclass(format('%I.%I', slot, name)) IS NOT NULL THEN
                EXECUTE format('DROP POLICY tenant ON %I.%I', slot, name);
                EXECUTE format('ALTER TABLE %I.%I DISABLE ROW LEVEL SECURITY', slot, name);
            END IF;
        END LOOP;
        FOR name IN SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = slot::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND (c.relname LIKE 'rankings\_%' OR c.relname LIKE 'catalog\_%' OR c.relname LIKE 'journal\_balances\_%' OR c.relname LIKE 'reviews\_%')
        LOOP
            EXECUTE format('GRANT SELECT ON %s TO massrouter_tenant', name);
        END LOOP;
        IF to_regclass(slot || '.journal_stretches_v2') IS NOT NULL THEN
            EXECUTE format('REVOKE SELECT (bucket, recorded_at) ON %I.journal_stretches_v2 FROM massrouter_tenant', slot);
            EXECUTE format('GRANT SELECT ON %I.journal_stretches_v2 TO massrouter_tenant', slot);
        END IF;
    END LOOP;
END $$;
