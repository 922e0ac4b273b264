-- Keys of customers at vendors. They are not part of the ledger: a charge names the key that the call was made with, and all else can be erased.
CREATE TABLE gateway.vendor_keys (
    id         uuid PRIMARY KEY,
    wallet_id  uuid NOT NULL,
    vendor     text NOT NULL,
    label      text NOT NULL,
    last_four  text NOT NULL, -- of the key, for people; none of a document
    only_own   boolean NOT NULL, -- no key of the platform's serves these calls
    disabled   boolean NOT NULL,
    models     text[] NOT NULL, -- that it is for; none means all
    key_ids    uuid[] NOT NULL, -- API keys that it is for; none means all
    sealed     bytea, -- by the keyset; NULL once it is deleted
    version    bigint NOT NULL UNIQUE, -- rises with every change of any row
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by text NOT NULL,
    deleted_at timestamptz, -- the row stays for a while, so that all processes learn of it
    CHECK ((sealed IS NULL) = (deleted_at IS NOT NULL))
);
CREATE INDEX vendor_keys_wallet ON gateway.vendor_keys (wallet_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX vendor_keys_deleted ON gateway.vendor_keys (deleted_at) WHERE deleted_at IS NOT NULL;

-- The version of the last change. Who changes a key locks it, so that versions become visible in their order.
CREATE TABLE gateway.vendor_key_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version  bigint NOT NULL
);
INSERT INTO gateway.vendor_key_head (version) VALUES (0);

-- Requests that carried an Idempotency-Key, by the id that follows from it.
CREATE TABLE gateway.vendor_key_requests (
    id         uuid PRIMARY KEY,
    input_hash bytea NOT NULL CHECK (octet_length(input_hash) = 32),
    at         timestamptz NOT NULL
);
CREATE INDEX vendor_key_requests_at ON gateway.vendor_key_requests (at);

-- What vendors bill customers whose own keys they were called with, where the read models have money. There was nothing of that before.
DO $$
DECLARE
    home text;
    part text;
BEGIN
    FOREACH home IN ARRAY ARRAY['views', 'views_building', 'views_kept'] LOOP
        FOREACH part IN ARRAY ARRAY['generations_corrections_v1', 'usage_minute_v3', 'usage_quarter_hour_v3', 'usage_day_v3', 'usage_month_v3',
            'usage_keys_day_v3', 'usage_keys_month_v3', 'usage_open_v3'] LOOP
            IF to_regclass(home || '.' || part) IS NOT NULL THEN
                EXECUTE format('ALTER TABLE %I.%I ADD COLUMN upstream_cost numeric(42,12) NOT NULL DEFAULT 0', home, part);
            END IF;
        END LOOP;
        IF to_regclass(home || '.keys_spend_v1') IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %I.keys_spend_v1 ADD COLUMN upstream numeric(30,12) NOT NULL DEFAULT 0,
                ADD COLUMN day_upstream numeric(30,12) NOT NULL DEFAULT 0, ADD COLUMN week_upstream numeric(30,12) NOT NULL DEFAULT 0,
                ADD COLUMN month_upstream numeric(30,12) NOT NULL DEFAULT 0', home);
        END IF;
    END LOOP;
END $$;
