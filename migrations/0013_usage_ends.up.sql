-- usage, version 2: hours, days and months are written once, when they are over, from the rows below them; histograms are numbers,
-- so that they add up like all else. Nothing in version 1 is kept: the new version builds itself from the log.
DELETE FROM views.checkpoints WHERE name = 'usage';
DELETE FROM views_building.checkpoints WHERE name = 'usage';
DELETE FROM views_kept.checkpoints WHERE name = 'usage';
DROP TABLE views.usage_open_v1, views.usage_minutes_v1, views.usage_errors_month_v1, views.usage_errors_day_v1, views.usage_errors_hour_v1, views.usage_errors_minute_v1,
    views.usage_month_v1, views.usage_day_v1, views.usage_hour_v1, views.usage_minute_v1;
DROP TABLE IF EXISTS views_building.usage_open_v1, views_building.usage_minutes_v1, views_building.usage_errors_month_v1, views_building.usage_errors_day_v1,
    views_building.usage_errors_hour_v1, views_building.usage_errors_minute_v1, views_building.usage_month_v1, views_building.usage_day_v1,
    views_building.usage_hour_v1, views_building.usage_minute_v1;
DROP TABLE IF EXISTS views_kept.usage_open_v1, views_kept.usage_minutes_v1, views_kept.usage_errors_month_v1, views_kept.usage_errors_day_v1,
    views_kept.usage_errors_hour_v1, views_kept.usage_errors_minute_v1, views_kept.usage_month_v1, views_kept.usage_day_v1,
    views_kept.usage_hour_v1, views_kept.usage_minute_v1;

-- What calls used, by the minute, hour, day and month (UTC) of the event that ended them. One row a bucket, wallet, key, app, model,
-- endpoint and currency; besides it one with the nil UUID for wallet, key and app, over all wallets, so that a question about the
-- platform does not read every wallet. A row is written when its bucket is over, and never changes.
--
-- A histogram is a number to base 10^12, whose digits are the counts of its places: that of place 64 stands before the point.
CREATE TABLE views.usage_minute_v2 (
    bucket             timestamptz NOT NULL, -- its first moment
    wallet_id          uuid NOT NULL,
    key_id             uuid NOT NULL,
    app_id             uuid NOT NULL, -- the registered app; nil when there was none
    model              text COLLATE "C" NOT NULL, -- with endpoint: '' for holds that expired, whose events do not say
    endpoint           text COLLATE "C" NOT NULL,
    currency           text COLLATE "C" NOT NULL,
    vendor             text COLLATE "C" NOT NULL GENERATED ALWAYS AS (split_part(endpoint, '@', 2)) STORED,
    calls              bigint NOT NULL, -- charged or released
    charged            bigint NOT NULL,
    errors             bigint NOT NULL, -- released, or charged with an error
    cancelled          bigint NOT NULL, -- the client went away
    estimated          bigint NOT NULL, -- charged by our own count
    expired            bigint NOT NULL, -- holds that ended without news; not in calls
    input_tokens       bigint NOT NULL, -- a minute's calls, of at most 2^40 tokens each, do not add up to more
    cache_read_tokens  bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    output_tokens      bigint NOT NULL,
    reasoning_tokens   bigint NOT NULL,
    charge             numeric(42,12) NOT NULL,
    uncollectible      numeric(42,12) NOT NULL,
    vendor_cost        numeric(42,12) NOT NULL,
    first_token        numeric NOT NULL, -- histograms of milliseconds
    duration           numeric NOT NULL
) PARTITION BY RANGE (bucket);
-- Without a primary key, whose index would be as large as the table: nearly each call has a row.
CREATE INDEX ON views.usage_minute_v2 (bucket);
CREATE INDEX ON views.usage_minute_v2 (wallet_id, bucket);

-- Sums over time are numeric: none can ever stop the projection.
CREATE TABLE views.usage_hour_v2 (
    bucket             timestamptz NOT NULL,
    wallet_id          uuid NOT NULL,
    key_id             uuid NOT NULL,
    app_id             uuid NOT NULL,
    model              text COLLATE "C" NOT NULL,
    endpoint           text COLLATE "C" NOT NULL,
    currency           text COLLATE "C" NOT NULL,
    vendor             text COLLATE "C" NOT NULL GENERATED ALWAYS AS (split_part(endpoint, '@', 2)) STORED,
    calls              bigint NOT NULL,
    charged            bigint NOT NULL,
    errors             bigint NOT NULL,
    cancelled          bigint NOT NULL,
    estimated          bigint NOT NULL,
    expired            bigint NOT NULL,
    input_tokens       numeric NOT NULL,
    cache_read_tokens  numeric NOT NULL,
    cache_write_tokens numeric NOT NULL,
    output_tokens      numeric NOT NULL,
    reasoning_tokens   numeric NOT NULL,
    charge             numeric(42,12) NOT NULL,
    uncollectible      numeric(42,12) NOT NULL,
    vendor_cost        numeric(42,12) NOT NULL,
    first_token        numeric NOT NULL,
    duration           numeric NOT NULL,
    PRIMARY KEY (bucket, wallet_id, key_id, app_id, model, endpoint, currency)
) PARTITION BY RANGE (bucket);
CREATE INDEX ON views.usage_hour_v2 (wallet_id, bucket);
CREATE TABLE views.usage_day_v2 (LIKE views.usage_hour_v2 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_month_v2 (LIKE views.usage_hour_v2 INCLUDING ALL) PARTITION BY RANGE (bucket);
-- Long ranges of one key, when nobody says of which wallet.
CREATE INDEX ON views.usage_hour_v2 (key_id, bucket);
CREATE INDEX ON views.usage_day_v2 (key_id, bucket);
CREATE INDEX ON views.usage_month_v2 (key_id, bucket);

-- The same days and months of each wallet, key and app over all models, so that a question about all wallets does not read every model.
CREATE TABLE views.usage_keys_day_v2 (
    bucket             timestamptz NOT NULL,
    wallet_id          uuid NOT NULL,
    key_id             uuid NOT NULL,
    app_id             uuid NOT NULL,
    currency           text COLLATE "C" NOT NULL,
    calls              bigint NOT NULL,
    charged            bigint NOT NULL,
    errors             bigint NOT NULL,
    cancelled          bigint NOT NULL,
    estimated          bigint NOT NULL,
    expired            bigint NOT NULL,
    input_tokens       numeric NOT NULL,
    cache_read_tokens  numeric NOT NULL,
    cache_write_tokens numeric NOT NULL,
    output_tokens      numeric NOT NULL,
    reasoning_tokens   numeric NOT NULL,
    charge             numeric(42,12) NOT NULL,
    uncollectible      numeric(42,12) NOT NULL,
    vendor_cost        numeric(42,12) NOT NULL,
    first_token        numeric NOT NULL,
    duration           numeric NOT NULL,
    PRIMARY KEY (bucket, wallet_id, key_id, app_id, currency)
) PARTITION BY RANGE (bucket);
CREATE INDEX ON views.usage_keys_day_v2 (wallet_id, bucket);
CREATE INDEX ON views.usage_keys_day_v2 (key_id, bucket);
CREATE TABLE views.usage_keys_month_v2 (LIKE views.usage_keys_day_v2 INCLUDING ALL) PARTITION BY RANGE (bucket);

-- Errors by class: the reason of the release, or the error of the charged call.
CREATE TABLE views.usage_errors_minute_v2 (
    bucket    timestamptz NOT NULL,
    wallet_id uuid NOT NULL,
    key_id    uuid NOT NULL,
    app_id    uuid NOT NULL,
    model     text COLLATE "C" NOT NULL,
    endpoint  text COLLATE "C" NOT NULL,
    currency  text COLLATE "C" NOT NULL,
    class     text COLLATE "C" NOT NULL,
    vendor    text COLLATE "C" NOT NULL GENERATED ALWAYS AS (split_part(endpoint, '@', 2)) STORED,
    errors    bigint NOT NULL,
    PRIMARY KEY (bucket, wallet_id, key_id, app_id, model, endpoint, currency, class)
) PARTITION BY RANGE (bucket);
CREATE INDEX ON views.usage_errors_minute_v2 (wallet_id, bucket);
CREATE TABLE views.usage_errors_hour_v2 (LIKE views.usage_errors_minute_v2 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_errors_day_v2 (LIKE views.usage_errors_minute_v2 INCLUDING ALL) PARTITION BY RANGE (bucket);
CREATE TABLE views.usage_errors_month_v2 (LIKE views.usage_errors_minute_v2 INCLUDING ALL) PARTITION BY RANGE (bucket);

-- The calls that ended in the minute that is not over, one row each, and one for each hold that expired: they become rows of that minute
-- when an event of a later minute comes. Written and deleted all the time, so it is to be vacuumed as often.
CREATE TABLE views.usage_open_v2 (
    position           bigint NOT NULL,
    bucket             timestamptz NOT NULL,
    wallet_id          uuid NOT NULL,
    key_id             uuid NOT NULL,
    app_id             uuid NOT NULL,
    model              text COLLATE "C" NOT NULL,
    endpoint           text COLLATE "C" NOT NULL,
    currency           text COLLATE "C" NOT NULL,
    vendor             text COLLATE "C" NOT NULL GENERATED ALWAYS AS (split_part(endpoint, '@', 2)) STORED,
    class              text COLLATE "C" NOT NULL, -- of the error; '' when there was none
    calls              bigint NOT NULL,
    charged            bigint NOT NULL,
    errors             bigint NOT NULL,
    cancelled          bigint NOT NULL,
    estimated          bigint NOT NULL,
    expired            bigint NOT NULL,
    input_tokens       bigint NOT NULL,
    cache_read_tokens  bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    output_tokens      bigint NOT NULL,
    reasoning_tokens   bigint NOT NULL,
    charge             numeric(42,12) NOT NULL,
    uncollectible      numeric(42,12) NOT NULL,
    vendor_cost        numeric(42,12) NOT NULL,
    first_token        numeric NOT NULL,
    duration           numeric NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
CREATE INDEX ON views.usage_open_v2 (wallet_id);

-- recorded_at rises with position: the first position of each minute that has an event, of whatever kind.
CREATE TABLE views.usage_minutes_v2 (
    minute         timestamptz PRIMARY KEY,
    first_position bigint NOT NULL UNIQUE
);

-- As before, but full pages: rows are never updated.
CREATE OR REPLACE FUNCTION ledger.ensure_time_partitions(parent regclass, width text, moments timestamptz[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    step  interval := CASE width WHEN 'month' THEN interval '1 month' WHEN 'quarter' THEN interval '3 months' ELSE interval '1 year' END;
    home  name;
    base  name;
    part  name;
    lower timestamp;
BEGIN
    SELECT n.nspname, c.relname INTO home, base FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = parent;
    FOR lower IN
        SELECT DISTINCT b FROM unnest(moments) AS m, LATERAL (SELECT date_trunc(width, m AT TIME ZONE 'UTC')) AS t(first),
            LATERAL (VALUES (first), (first + step)) AS v(b)
    LOOP
        part := base || to_char(lower, '_YYYYMM');
        CONTINUE WHEN to_regclass(format('%I.%I', home, part)) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING ALL)', home, part, parent);
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
            parent, home, part, lower AT TIME ZONE 'UTC', (lower + step) AT TIME ZONE 'UTC');
    END LOOP;
END $$;
