ALTER TABLE views.generations_ends_v1 ALTER COLUMN usage TYPE json USING usage::json, ALTER COLUMN line_items TYPE json USING line_items::json,
    ALTER COLUMN call TYPE json USING call::json;
ALTER TABLE IF EXISTS views_building.generations_ends_v1 ALTER COLUMN usage TYPE json USING usage::json, ALTER COLUMN line_items TYPE json USING line_items::json,
    ALTER COLUMN call TYPE json USING call::json;
ALTER TABLE IF EXISTS views_kept.generations_ends_v1 ALTER COLUMN usage TYPE json USING usage::json, ALTER COLUMN line_items TYPE json USING line_items::json,
    ALTER COLUMN call TYPE json USING call::json;

DROP TABLE views.journal_entries_v2, views.journal_balances_v2, views.journal_stretches_v2;
DROP TABLE IF EXISTS views_building.journal_entries_v2, views_building.journal_balances_v2, views_building.journal_stretches_v2,
    views_kept.journal_entries_v2, views_kept.journal_balances_v2, views_kept.journal_stretches_v2;
DELETE FROM views.checkpoints WHERE name = 'journal';
DELETE FROM views_building.checkpoints WHERE name = 'journal';
DELETE FROM views_kept.checkpoints WHERE name = 'journal';

-- journal: the double-entry books. One row an entry, with the legs on the wallet's two accounts in it; the legs on the
-- accounts of the house lie apart, in the order in which an account's own history is read. Credits are positive.
CREATE TABLE views.journal_entries_v1 (
    position       bigint PRIMARY KEY,
    recorded_at    timestamptz NOT NULL,
    kind           text COLLATE "C" NOT NULL
                   CHECK (kind IN ('top_up', 'grant', 'adjustment', 'hold', 'charge', 'release', 'expiry')),
    wallet_id      uuid NOT NULL,
    generation_id  uuid, -- the hold; not of credits
    currency       text COLLATE "C" NOT NULL,
    wallet_amount  numeric(30,12) NOT NULL, -- the leg on wallet:<id>; 0 when there is none
    wallet_balance numeric(30,12) NOT NULL, -- after it
    hold_amount    numeric(30,12) NOT NULL, -- the leg on the hold's account
    hold_balance   numeric(30,12) NOT NULL, -- of all holds of the wallet, after it
    reference      text NOT NULL,
    reason         text NOT NULL,
    model          text NOT NULL -- of charges
);
CREATE INDEX ON views.journal_entries_v1 (wallet_id, position);
-- Credits are few among many charges: their sum over a month is read from here.
CREATE INDEX ON views.journal_entries_v1 (wallet_id, position) WHERE kind IN ('top_up', 'grant', 'adjustment');

CREATE TABLE views.journal_legs_v1 (
    account  text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    amount   numeric(42,12) NOT NULL,
    balance  numeric(42,12) NOT NULL, -- after it
    PRIMARY KEY (account, currency, position)
);

-- The accounts of the house as they are now, and wallet:* and hold:*, which stand for all wallets and all holds.
CREATE TABLE views.journal_balances_v1 (
    account        text COLLATE "C" NOT NULL,
    currency       text COLLATE "C" NOT NULL,
    balance        numeric(42,12) NOT NULL,
    first_position bigint NOT NULL,
    position       bigint NOT NULL, -- of its last entry
    PRIMARY KEY (account, currency)
) WITH (fillfactor = 10);

-- What wallet:* and hold:* were after the last entry of each stretch of 1024 positions: their balance at any position is
-- the one before its stretch and the entries since. recorded_at rises with bucket, which turns a time into a stretch.
CREATE TABLE views.journal_snapshots_v1 (
    currency    text COLLATE "C" NOT NULL,
    bucket      bigint NOT NULL, -- position / 1024
    recorded_at timestamptz NOT NULL, -- of the first entry
    position    bigint NOT NULL, -- of the last entry
    wallets     numeric(42,12) NOT NULL,
    holds       numeric(42,12) NOT NULL,
    PRIMARY KEY (currency, bucket)
) WITH (fillfactor = 70);
CREATE INDEX ON views.journal_snapshots_v1 (recorded_at, bucket);

-- One row a wallet and month (UTC) with an entry: opening + top_ups + grants + adjustments - charges = closing, and closing
-- is the next row's opening.
CREATE TABLE views.journal_closes_v1 (
    wallet_id      uuid NOT NULL,
    month          date NOT NULL CHECK (extract(day FROM month) = 1),
    currency       text COLLATE "C" NOT NULL,
    opening_posted numeric(30,12) NOT NULL,
    opening_held   numeric(30,12) NOT NULL,
    top_ups        numeric(42,12) NOT NULL,
    grants         numeric(42,12) NOT NULL,
    adjustments    numeric(42,12) NOT NULL, -- signed
    charges        numeric(42,12) NOT NULL,
    closing_posted numeric(30,12) NOT NULL,
    closing_held   numeric(30,12) NOT NULL,
    position       bigint NOT NULL, -- of the last entry
    PRIMARY KEY (wallet_id, month)
) WITH (fillfactor = 50);

-- statement: one row a movement of the posted balance.
CREATE TABLE views.statement_v1 (
    wallet_id      uuid NOT NULL,
    position       bigint NOT NULL,
    recorded_at    timestamptz NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('top_up', 'grant', 'adjustment', 'charge')),
    amount         numeric(30,12) NOT NULL, -- signed
    balance_before numeric(30,12) NOT NULL,
    balance_after  numeric(30,12) NOT NULL,
    currency       text NOT NULL,
    reference      text NOT NULL,
    reason         text NOT NULL,
    generation_id  uuid, -- with key_id and model: charges only
    key_id         uuid,
    model          text NOT NULL,
    PRIMARY KEY (wallet_id, position)
);
-- Credits are few among many charges; without this a list of top-ups would walk over every charge.
CREATE INDEX ON views.statement_v1 (wallet_id, position) WHERE kind <> 'charge';
-- recorded_at rises with position, so the first position of each minute turns a time into a range of the primary key.
CREATE TABLE views.statement_minutes_v1 (
    minute         timestamptz PRIMARY KEY,
    first_position bigint NOT NULL
);
