-- The second wall, completed (0025 began it, docs/adr/0048). Rows that tell of a wallet by another row's id only are seen with that row, which has a policy of
-- its own; what no query of a tenant reads is not granted any more. Builds that are made or kept beside the live ones get the same, each by its own tables.
DO $$
DECLARE
    slot  text;
    name  text;
    rule  text;
BEGIN
    FOREACH slot IN ARRAY ARRAY['views', 'views_building', 'views_kept'] LOOP
        -- What was built before 0025 and is beside the live one has nothing of it yet.
        FOR name IN SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'wallet_id' AND NOT a.attisdropped
            WHERE c.relnamespace = slot::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant')
        LOOP
            EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', slot, name);
            EXECUTE format('CREATE POLICY tenant ON %I.%I FOR SELECT TO massrouter_tenant USING (wallet_id = ANY ((SELECT identity.tenants())::uuid[]))', slot, name);
        END LOOP;
        FOR name IN SELECT c.oid::regclass::text FROM pg_class c
            WHERE c.relnamespace = slot::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'checkpoints'
        LOOP
            EXECUTE format('GRANT SELECT ON %s TO massrouter_tenant', name);
        END LOOP;
        FOR name, rule IN VALUES
            ('keys_spend_v1', 'EXISTS (SELECT FROM %1$I.keys_v1 k WHERE k.key_id = keys_spend_v1.key_id)'),
            ('generations_ends_v1', 'EXISTS (SELECT FROM %1$I.generations_v1 g WHERE g.generation_id = generations_ends_v1.generation_id)'),
            ('generations_corrections_v1', 'EXISTS (SELECT FROM %1$I.generations_v1 g WHERE g.generation_id = generations_corrections_v1.generation_id)')
        LOOP
            IF to_regclass(format('%I.%I', slot, name)) IS NOT NULL THEN
                EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', slot, name);
                EXECUTE format('CREATE POLICY tenant ON %1$I.' || quote_ident(name) || ' FOR SELECT TO massrouter_tenant USING (' || rule || ')', slot);
            END IF;
        END LOOP;
        FOR name IN SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = slot::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND (c.relname LIKE 'rankings\_%' OR c.relname LIKE 'catalog\_%' OR c.relname LIKE 'journal\_balances\_%' OR c.relname LIKE 'reviews\_%')
        LOOP
            EXECUTE format('REVOKE SELECT ON %s FROM massrouter_tenant', name);
        END LOOP;
        -- Of the house's accounts only which stretch of the log a time is in.
        IF to_regclass(slot || '.journal_stretches_v2') IS NOT NULL THEN
            EXECUTE format('REVOKE SELECT ON %I.journal_stretches_v2 FROM massrouter_tenant', slot);
            EXECUTE format('GRANT SELECT (bucket, recorded_at) ON %I.journal_stretches_v2 TO massrouter_tenant', slot);
        END IF;
    END LOOP;
END $$;

-- An organisation's own issuer and domains. The issuer's secret is never readable behind the wall.
GRANT SELECT (connection_id, organisation_id, issuer, client_id, role, enforced, created_at, updated_at) ON identity.sso_connections TO massrouter_tenant;
GRANT SELECT ON identity.sso_domains TO massrouter_tenant;
ALTER TABLE identity.sso_connections ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.sso_domains ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON identity.sso_connections FOR SELECT TO massrouter_tenant
    USING (organisation_id = ANY (ARRAY(SELECT o.organisation_id FROM identity.organisations o)));
CREATE POLICY tenant ON identity.sso_domains FOR SELECT TO massrouter_tenant
    USING (organisation_id = ANY (ARRAY(SELECT o.organisation_id FROM identity.organisations o)));

-- Entries of the audit trail that name the wallet or its organisation, and their links.
GRANT USAGE ON SCHEMA audit TO massrouter_tenant;
GRANT SELECT ON audit.entries, audit.seals TO massrouter_tenant;
ALTER TABLE audit.entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.seals ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit.entries FOR SELECT TO massrouter_tenant
    USING (wallet_id = ANY ((SELECT identity.tenants())::uuid[]) OR organisation_id = ANY (ARRAY(SELECT o.organisation_id FROM identity.organisations o)));
CREATE POLICY tenant ON audit.seals FOR SELECT TO massrouter_tenant USING (EXISTS (SELECT FROM audit.entries e WHERE e.entry_id = seals.entry_id));

-- As arrays, which are made once and looked up in an index: IN would read all members of all organisations.
ALTER POLICY tenant ON identity.members USING (organisation_id = ANY (ARRAY(SELECT o.organisation_id FROM identity.organisations o)));
ALTER POLICY tenant ON identity.invitations USING (organisation_id = ANY (ARRAY(SELECT o.organisation_id FROM identity.organisations o)));
ALTER POLICY tenant ON identity.users USING (user_id = ANY (ARRAY(SELECT m.user_id FROM identity.members m)));
