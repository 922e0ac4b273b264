-- journal: the legs on accounts of the house lie in the rows of their entries, and months are worked out of the entries when somebody
-- asks. The checkpoint of the version before stays: it says up to where queries are refused.
DROP TABLE views.journal_entries_v1, views.journal_legs_v1, views.journal_balances_v1, views.journal_snapshots_v1, views.journal_closes_v1;
DROP TABLE IF EXISTS views_building.journal_entries_v1, views_building.journal_legs_v1, views_building.journal_balances_v1,
    views_building.journal_snapshots_v1, views_building.journal_closes_v1, views_kept.journal_entries_v1, views_kept.journal_legs_v1,
    views_kept.journal_balances_v1, views_kept.journal_snapshots_v1, views_kept.journal_closes_v1;
DELETE FROM views_building.checkpoints WHERE name = 'journal';
DELETE FROM views_kept.checkpoints WHERE name = 'journal';

-- statement: answered from the journal's entries.
DROP TABLE views.statement_v1, views.statement_minutes_v1;
DROP TABLE IF EXISTS views_building.statement_v1, views_building.statement_minutes_v1, views_kept.statement_v1, views_kept.statement_minutes_v1;
DELETE FROM views.checkpoints WHERE name = 'statement';
DELETE FROM views_building.checkpoints WHERE name = 'statement';
DELETE FROM views_kept.checkpoints WHERE name = 'statement';

-- One row an entry. Credits are positive.
CREATE TABLE views.journal_entries_v2 (
    position       bigint PRIMARY KEY,
    recorded_at    timestamptz NOT NULL,
    kind           text COLLATE "C" NOT NULL
                   CHECK (kind IN ('top_up', 'grant', 'adjustment', 'hold', 'charge', 'release', 'expiry')),
    wallet_id      uuid NOT NULL,
    generation_id  uuid, -- the hold; not of credits
    key_id         uuid, -- of charges
    currency       text COLLATE "C" NOT NULL,
    wallet_amount  numeric NOT NULL, -- the leg on wallet:<id>; 0 when there is none
    wallet_balance numeric NOT NULL, -- after it
    hold_amount    numeric NOT NULL, -- the leg on the hold's account
    hold_balance   numeric NOT NULL, -- of all holds of the wallet, after it
    accounts       text[] COLLATE "C", -- of the house, by name; NULL, as the two below, when the entry has no leg on any
    amounts        numeric[],
    balances       numeric[], -- after the legs
    reference      text NOT NULL,
    reason         text NOT NULL,
    model          text NOT NULL -- of charges
);
CREATE INDEX ON views.journal_entries_v2 (wallet_id, position);
-- Credits are few among many charges: lists and sums of them are read from here.
CREATE INDEX ON views.journal_entries_v2 (wallet_id, position) WHERE generation_id IS NULL;

-- The accounts of the house as they are now, and wallet:* and hold:*, which stand for all wallets and all holds.
CREATE TABLE views.journal_balances_v2 (
    account        text COLLATE "C" NOT NULL,
    currency       text COLLATE "C" NOT NULL,
    balance        numeric NOT NULL,
    first_position bigint NOT NULL,
    position       bigint NOT NULL, -- of its last entry
    PRIMARY KEY (account, currency)
) WITH (fillfactor = 10);

-- What each of those accounts came to after its last entry of each stretch of 1024 positions that has one. An account's history is
-- found by its stretches. recorded_at rises with bucket, which turns a time into a stretch.
CREATE TABLE views.journal_stretches_v2 (
    account        text COLLATE "C" NOT NULL,
    currency       text COLLATE "C" NOT NULL,
    bucket         bigint NOT NULL, -- position / 1024
    recorded_at    timestamptz NOT NULL, -- of the account's first entry in it
    first_position bigint NOT NULL,
    position       bigint NOT NULL, -- of its last entry
    balance        numeric NOT NULL,
    PRIMARY KEY (account, currency, bucket)
) WITH (fillfactor = 70);
CREATE INDEX ON views.journal_stretches_v2 (recorded_at, bucket);

-- generations: documents are kept to be shown; nothing needs to parse them on the way in.
ALTER TABLE views.generations_ends_v1 ALTER COLUMN usage TYPE text, ALTER COLUMN line_items TYPE text, ALTER COLUMN call TYPE text;
ALTER TABLE IF EXISTS views_building.generations_ends_v1 ALTER COLUMN usage TYPE text, ALTER COLUMN line_items TYPE text, ALTER COLUMN call TYPE text;
ALTER TABLE IF EXISTS views_kept.generations_ends_v1 ALTER COLUMN usage TYPE text, ALTER COLUMN line_items TYPE text, ALTER COLUMN call TYPE text;
