-- Requests beside the ledger that have their effect once, by the id that follows from the caller's idempotency key, within its operation and its actor.
CREATE SCHEMA once;
CREATE TABLE once.requests (
    id         uuid PRIMARY KEY,
    input_hash bytea CHECK (octet_length(input_hash) = 32), -- NULL, as the answer is, of a request that is older than the table
    answer     text CHECK (answer IS NULL OR input_hash IS NOT NULL), -- JSON of ids, numbers and times; written before the transaction ends
    expires_at timestamptz NOT NULL
);
CREATE INDEX requests_expires_at ON once.requests (expires_at);

-- What was done is not done again, but what was answered is not known.
INSERT INTO once.requests (id, expires_at)
SELECT id, max(at) + interval '30 days' FROM (
    SELECT id, at FROM webhooks.requests UNION ALL SELECT id, at FROM gateway.vendor_key_requests UNION ALL SELECT command_id, created_at FROM gateway.preset_versions
) AS old GROUP BY id HAVING max(at) > now() - interval '30 days';
DROP TABLE webhooks.requests, gateway.vendor_key_requests;
ALTER TABLE gateway.preset_versions DROP COLUMN command_id;

-- The second wall, for what lies beside the ledger: see 0025. Sealed secrets are never readable behind it; contents are, since who reads them
-- needs the keyset as well.
GRANT USAGE ON SCHEMA gateway, webhooks TO massrouter_tenant;
GRANT SELECT ON webhooks.webhooks, webhooks.queues, webhooks.deliveries, webhooks.attempts, webhooks.replays, gateway.presets, gateway.preset_versions,
    gateway.contents, gateway.content_erasures, gateway.cache_hits, gateway.cache_hit_days TO massrouter_tenant;
GRANT SELECT (webhook_id, expires_at) ON webhooks.secrets TO massrouter_tenant;
GRANT SELECT (id, wallet_id, vendor, label, last_four, only_own, disabled, models, key_ids, version, created_at, created_by, updated_at, updated_by, deleted_at)
    ON gateway.vendor_keys TO massrouter_tenant;
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['webhooks.webhooks', 'gateway.presets', 'gateway.vendor_keys', 'gateway.contents', 'gateway.content_erasures', 'gateway.cache_hits',
        'gateway.cache_hit_days'] LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON %s FOR SELECT TO massrouter_tenant USING (wallet_id = ANY ((SELECT identity.tenants())::uuid[]))', name);
    END LOOP;
    -- What is of a webhook: of one that is seen.
    FOREACH name IN ARRAY ARRAY['webhooks.secrets', 'webhooks.queues', 'webhooks.deliveries', 'webhooks.replays'] LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant ON %s FOR SELECT TO massrouter_tenant
            USING (EXISTS (SELECT FROM webhooks.webhooks w WHERE w.id = webhook_id))', name);
    END LOOP;
END $$;
ALTER TABLE webhooks.attempts ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON webhooks.attempts FOR SELECT TO massrouter_tenant
    USING (EXISTS (SELECT FROM webhooks.deliveries d WHERE d.id = delivery_id));
ALTER TABLE gateway.preset_versions ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON gateway.preset_versions FOR SELECT TO massrouter_tenant
    USING (EXISTS (SELECT FROM gateway.presets p WHERE p.preset_id = preset_versions.preset_id));
