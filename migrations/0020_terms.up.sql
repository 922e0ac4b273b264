-- What the calls of a wallet are held to: whose prices it pays ('' for the list's), and how fast they may come, all together. A wallet without a
-- row has never been told anything.
CREATE TABLE views.keys_wallets_v1 (
    wallet_id   uuid PRIMARY KEY,
    price_group text NOT NULL,
    rate_limits jsonb NOT NULL,
    updated_at  timestamptz NOT NULL,
    position    bigint NOT NULL -- of the last event that says so
);
CREATE INDEX keys_wallets_v1_position ON views.keys_wallets_v1 (position);

-- What the keys of one member of a wallet may do together.
CREATE TABLE views.keys_members_v1 (
    wallet_id  uuid NOT NULL,
    member_id  uuid NOT NULL,
    limits     jsonb NOT NULL,
    updated_at timestamptz NOT NULL,
    position   bigint NOT NULL, -- of the last event that says so
    PRIMARY KEY (wallet_id, member_id)
);
CREATE INDEX keys_members_v1_position ON views.keys_members_v1 (position);

-- Builds that are made or kept beside the live one get them too.
DO $$
DECLARE slot text;
BEGIN
    FOREACH slot IN ARRAY ARRAY['views_building', 'views_kept'] LOOP
        IF to_regclass(slot || '.keys_v1') IS NOT NULL THEN
            EXECUTE format('CREATE TABLE %I.keys_wallets_v1 (LIKE views.keys_wallets_v1 INCLUDING ALL)', slot);
            EXECUTE format('CREATE TABLE %I.keys_members_v1 (LIKE views.keys_members_v1 INCLUDING ALL)', slot);
        END IF;
    END LOOP;
END $$;
