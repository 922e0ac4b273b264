-- rankings: docs/rankings.md. What each wallet used, by model, vendor and app, in hours (UTC) first; days, months and all time
-- are made of them when a day or a month is over, and then only of wallets that count.
CREATE TABLE views.rankings_hour_v1 (
    hour      timestamptz NOT NULL, -- its first moment
    wallet_id uuid NOT NULL,
    model     text COLLATE "C" NOT NULL,
    vendor    text COLLATE "C" NOT NULL,
    app_id    uuid NOT NULL,              -- the registered app; nil when there is none
    app_url   text COLLATE "C" NOT NULL,  -- as callers without a registered app named theirs; '' when they did not
    tokens    numeric NOT NULL,
    calls     bigint NOT NULL,
    spend     numeric(42,12) NOT NULL, -- in US dollars
    PRIMARY KEY (hour, wallet_id, model, vendor, app_id, app_url)
) WITH (fillfactor = 70);

CREATE TABLE views.rankings_day_v1 (LIKE views.rankings_hour_v1);
ALTER TABLE views.rankings_day_v1 RENAME COLUMN hour TO day;
ALTER TABLE views.rankings_day_v1 ALTER COLUMN day TYPE date;
ALTER TABLE views.rankings_day_v1 ADD PRIMARY KEY (day, wallet_id, model, vendor, app_id, app_url);

-- A month that is not over has the days that are.
CREATE TABLE views.rankings_month_v1 (LIKE views.rankings_day_v1);
ALTER TABLE views.rankings_month_v1 RENAME COLUMN day TO month;
ALTER TABLE views.rankings_month_v1 ADD PRIMARY KEY (month, wallet_id, model, vendor, app_id, app_url);
ALTER TABLE views.rankings_month_v1 SET (fillfactor = 70);

-- The months that are over.
CREATE TABLE views.rankings_all_v1 (
    wallet_id uuid NOT NULL,
    model     text COLLATE "C" NOT NULL,
    vendor    text COLLATE "C" NOT NULL,
    app_id    uuid NOT NULL,
    app_url   text COLLATE "C" NOT NULL,
    tokens    numeric NOT NULL,
    calls     bigint NOT NULL,
    spend     numeric(42,12) NOT NULL,
    PRIMARY KEY (wallet_id, model, vendor, app_id, app_url)
) WITH (fillfactor = 70);

-- The boards of windows that are over: they never change. A board's total is the row with subject ''.
CREATE TABLE views.rankings_rows_v1 (
    span         text COLLATE "C" NOT NULL CHECK (span IN ('day', 'week', 'month')),
    start        date NOT NULL,
    board        text COLLATE "C" NOT NULL CHECK (board IN ('models', 'vendors', 'apps', 'referers', 'model_apps')),
    model        text COLLATE "C" NOT NULL, -- of model_apps: the apps of one model
    subject      text COLLATE "C" NOT NULL,
    wallets      bigint NOT NULL,  -- distinct
    tokens       numeric NOT NULL, -- of all that count
    calls        numeric NOT NULL,
    spend        numeric NOT NULL,
    ranked_tokens numeric NOT NULL, -- with the cap on each wallet's share
    ranked_calls  numeric NOT NULL,
    ranked_spend  numeric NOT NULL,
    PRIMARY KEY (span, board, model, start, subject)
);

-- Wallets that somebody paid for, since their first top-up.
CREATE TABLE views.rankings_wallets_v1 (
    wallet_id uuid PRIMARY KEY,
    position  bigint NOT NULL,
    day       date NOT NULL
);

CREATE TABLE views.rankings_apps_v1 (
    app_id uuid PRIMARY KEY,
    name   text NOT NULL,
    url    text NOT NULL,
    hidden boolean NOT NULL
);

-- recorded_at rises with position: the first position of each hour that has an event, of whatever kind.
CREATE TABLE views.rankings_hours_v1 (
    hour           timestamptz PRIMARY KEY,
    first_position bigint NOT NULL UNIQUE
);

-- The day that is not over: one row.
CREATE TABLE views.rankings_clock_v1 (
    id  smallint PRIMARY KEY CHECK (id = 1),
    day date NOT NULL
) WITH (fillfactor = 10);

-- Runs statements, each with next as $1, if the day that the clock shows is over when next comes. Only then are they planned:
-- there are some for each batch of events, and few of them have anything to do. In schema ledger, because a build of a read
-- model lives in a schema of its own.
CREATE FUNCTION ledger.close_day(clock regclass, next date, statements text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    today     date;
    statement text;
BEGIN
    EXECUTE format('SELECT day FROM %s', clock) INTO today;
    IF today < next THEN
        FOREACH statement IN ARRAY statements LOOP
            EXECUTE statement USING next;
        END LOOP;
    END IF;
END $$;
