DO $$
DECLARE
    home text;
    part text;
BEGIN
    FOREACH home IN ARRAY ARRAY['views', 'views_building', 'views_kept'] LOOP
        FOREACH part IN ARRAY ARRAY['generations_corrections_v1', 'usage_minute_v3', 'usage_quarter_hour_v3', 'usage_day_v3', 'usage_month_v3',
            'usage_keys_day_v3', 'usage_keys_month_v3', 'usage_open_v3'] LOOP
            IF to_regclass(home || '.' || part) IS NOT NULL THEN
                EXECUTE format('ALTER TABLE %I.%I DROP COLUMN IF EXISTS upstream_cost', home, part);
            END IF;
        END LOOP;
        IF to_regclass(home || '.keys_spend_v1') IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %I.keys_spend_v1 DROP COLUMN IF EXISTS upstream, DROP COLUMN IF EXISTS day_upstream,
                DROP COLUMN IF EXISTS week_upstream, DROP COLUMN IF EXISTS month_upstream', home);
        END IF;
    END LOOP;
END $$;
DROP TABLE gateway.vendor_key_requests, gateway.vendor_key_head, gateway.vendor_keys;
