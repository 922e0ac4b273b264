-- The role stays: it is of the whole server, and may be in use by another database.
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT format('%I.%I', schemaname, tablename) FROM pg_policies WHERE policyname = 'tenant' AND schemaname IN ('views', 'views_building', 'views_kept', 'identity') LOOP
        EXECUTE format('DROP POLICY tenant ON %s', name);
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', name);
    END LOOP;
END $$;
REVOKE SELECT (user_id, email, name) ON identity.users FROM massrouter_tenant;
REVOKE ALL ON ALL TABLES IN SCHEMA views, views_building, views_kept, identity FROM massrouter_tenant;
REVOKE USAGE ON SCHEMA views, identity FROM massrouter_tenant;
DROP FUNCTION identity.tenants();
DROP TABLE identity.approvals;
DROP TABLE identity.platform_grants;
