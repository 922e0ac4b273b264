-- What calls asked and were answered, of wallets whose owner wants it stored. It is no part of the ledger: no event and no view has any of it.
-- It is sealed with the operator's keyset and erased when its time is over.
CREATE TABLE gateway.contents (
    generation_id     uuid PRIMARY KEY,
    wallet_id         uuid NOT NULL,
    key_id            uuid NOT NULL,
    state             text NOT NULL CHECK (state IN ('stored', 'dropped', 'erased')),
    dialect           text NOT NULL,
    operation         text NOT NULL,
    model             text NOT NULL,
    streamed          boolean NOT NULL,
    error             text NOT NULL,   -- the code of what ended the call early; '' for none
    request_media     text NOT NULL,
    request_bytes     bigint NOT NULL, -- of the whole body; what is sealed may be less
    request_sealed    integer NOT NULL,
    response_media    text NOT NULL,
    response_bytes    bigint NOT NULL,
    response_sealed   integer NOT NULL,
    sealed            bytea,           -- the request and the response, one after the other; NULL unless stored
    started_at        timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    CHECK ((sealed IS NOT NULL) = (state = 'stored'))
);
ALTER TABLE gateway.contents ALTER COLUMN sealed SET STORAGE EXTERNAL; -- what is sealed cannot be compressed
CREATE INDEX contents_expires_at ON gateway.contents (expires_at);
CREATE INDEX contents_wallet ON gateway.contents (wallet_id, started_at);

-- Until when a wallet had all of its contents erased: nothing of calls that began before is shown, or stored by who comes late. 'infinity' while its
-- owner wants nothing stored.
CREATE TABLE gateway.content_erasures (
    wallet_id uuid PRIMARY KEY,
    erased_at timestamptz NOT NULL
);

-- What the owner of a wallet has decided about that.
ALTER TABLE views.keys_wallets_v1 ADD COLUMN content_storage jsonb NOT NULL DEFAULT '{}';

-- Answers that were given again from the cache. Nothing moves, so that they are no part of the ledger.
CREATE TABLE gateway.cache_hits (
    hit_id        uuid PRIMARY KEY, -- the caller knows the answer by it
    wallet_id     uuid NOT NULL,
    key_id        uuid NOT NULL,
    source_id     uuid NOT NULL,    -- of the generation that was charged for the answer
    model         text NOT NULL,
    saved         numeric(30,12) NOT NULL, -- what that was charged at first
    streamed      boolean NOT NULL,
    duration_ms   bigint NOT NULL,
    answered_at   timestamptz NOT NULL
);
CREATE INDEX cache_hits_answered_at ON gateway.cache_hits (answered_at);

-- The same, counted.
CREATE TABLE gateway.cache_hit_days (
    wallet_id uuid NOT NULL,
    key_id    uuid NOT NULL,
    day       date NOT NULL,          -- UTC
    model     text NOT NULL,
    hits      bigint NOT NULL,
    saved     numeric(30,12) NOT NULL,
    PRIMARY KEY (wallet_id, day, key_id, model)
);

-- Builds that are made or kept beside the live one get the column too.
DO $$
DECLARE slot text;
BEGIN
    FOREACH slot IN ARRAY ARRAY['views_building', 'views_kept'] LOOP
        IF to_regclass(slot || '.keys_wallets_v1') IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %I.keys_wallets_v1 ADD COLUMN content_storage jsonb NOT NULL DEFAULT ''{}''', slot);
        END IF;
    END LOOP;
END $$;
