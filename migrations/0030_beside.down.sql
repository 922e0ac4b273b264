DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT format('%I.%I', schemaname, tablename) FROM pg_policies WHERE policyname = 'tenant' AND schemaname IN ('webhooks', 'gateway') LOOP
        EXECUTE format('DROP POLICY tenant ON %s', name);
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', name);
    END LOOP;
END $$;
REVOKE ALL ON ALL TABLES IN SCHEMA webhooks, gateway FROM massrouter_tenant;
REVOKE SELECT (webhook_id, expires_at) ON webhooks.secrets FROM massrouter_tenant;
REVOKE SELECT (id, wallet_id, vendor, label, last_four, only_own, disabled, models, key_ids, version, created_at, created_by, updated_at, updated_by, deleted_at)
    ON gateway.vendor_keys FROM massrouter_tenant;
REVOKE USAGE ON SCHEMA gateway, webhooks FROM massrouter_tenant;

-- Whose a request was is not known any more: requests from before are forgotten, and versions get ids that nobody asks for again. The column is put
-- back in its place.
DROP SCHEMA once CASCADE;
CREATE TABLE webhooks.requests (
    id         uuid PRIMARY KEY,
    input_hash bytea NOT NULL CHECK (octet_length(input_hash) = 32),
    webhook_id uuid NOT NULL,
    at         timestamptz NOT NULL
);
CREATE INDEX requests_at ON webhooks.requests (at);
CREATE TABLE gateway.vendor_key_requests (
    id         uuid PRIMARY KEY,
    input_hash bytea NOT NULL CHECK (octet_length(input_hash) = 32),
    at         timestamptz NOT NULL
);
CREATE INDEX vendor_key_requests_at ON gateway.vendor_key_requests (at);
CREATE TEMP TABLE kept_versions AS SELECT * FROM gateway.preset_versions;
DROP TABLE gateway.preset_versions;
CREATE TABLE gateway.preset_versions (
    preset_id     uuid NOT NULL REFERENCES gateway.presets ON DELETE CASCADE,
    version       bigint NOT NULL CHECK (version > 0), -- without gaps; the highest is in force
    command_id    uuid NOT NULL UNIQUE,                -- of the request that made it
    content_hash  bytea NOT NULL CHECK (octet_length(content_hash) = 32),
    description   text NOT NULL,
    system_prompt text NOT NULL,
    parameters    text NOT NULL, -- a JSON object, as it was given
    created_at    timestamptz NOT NULL,
    created_by    text NOT NULL,
    PRIMARY KEY (preset_id, version)
);
INSERT INTO gateway.preset_versions
SELECT preset_id, version, gen_random_uuid(), content_hash, description, system_prompt, parameters, created_at, created_by FROM kept_versions;
DROP TABLE kept_versions;
