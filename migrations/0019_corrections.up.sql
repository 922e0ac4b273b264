-- Corrections of charges: the entry of one is a kind of its own, and a call has a row for each. What is suspect is on a list until an
-- operator, or the vendor's own word, has decided. Builds that are made or kept beside the live ones get the same.
ALTER TABLE views.journal_entries_v2 DROP CONSTRAINT journal_entries_v2_kind_check;
ALTER TABLE views.journal_entries_v2 ADD CONSTRAINT journal_entries_v2_kind_check
    CHECK (kind IN ('top_up', 'grant', 'adjustment', 'hold', 'charge', 'correction', 'release', 'expiry'));

CREATE TABLE views.generations_corrections_v1 (
    generation_id uuid NOT NULL,
    number        bigint NOT NULL, -- of the charge's corrections, from 1
    corrected_at  timestamptz NOT NULL,
    position      bigint NOT NULL,
    charge        numeric(30,12) NOT NULL, -- with the rest: what the call comes to from then on
    uncollectible numeric(30,12) NOT NULL,
    vendor_cost   numeric(30,12) NOT NULL,
    provenance    text NOT NULL,
    evidence      text NOT NULL,
    reason        text NOT NULL,
    insured       boolean NOT NULL,
    usage         text NOT NULL, -- JSON, as the event has it
    line_items    text NOT NULL,
    PRIMARY KEY (generation_id, number)
);

-- reviews: the charges whose usage failed a check, and what was decided of them.
CREATE TABLE views.reviews_v1 (
    generation_id   uuid PRIMARY KEY,
    wallet_id       uuid NOT NULL,
    key_id          uuid NOT NULL,
    model           text COLLATE "C" NOT NULL,
    endpoint        text COLLATE "C" NOT NULL,
    vendor          text COLLATE "C" NOT NULL,
    currency        text NOT NULL,
    reason          text COLLATE "C" NOT NULL, -- the check that failed; 'unknown' of charges from before it was recorded
    provenance      text NOT NULL,  -- of what was charged
    charged_at      timestamptz NOT NULL,
    position        bigint NOT NULL, -- of the charge
    charge          numeric(30,12) NOT NULL,
    state           text NOT NULL CHECK (state IN ('open', 'resolved')),
    decision        text NOT NULL CHECK (decision IN ('', 'accepted', 'corrected')),
    decided_by      text NOT NULL,
    decided_because text NOT NULL,
    decided_at      timestamptz,
    corrected       numeric(30,12) NOT NULL, -- the charge after its last correction; as charge without one
    updated         bigint NOT NULL          -- position of the last event about it
);
CREATE INDEX ON views.reviews_v1 (state, position);
CREATE INDEX ON views.reviews_v1 (position);
CREATE INDEX ON views.reviews_v1 (vendor, position);
CREATE INDEX ON views.reviews_v1 (model, position);

DO $$
DECLARE
    slot text;
BEGIN
    FOREACH slot IN ARRAY ARRAY['views_building', 'views_kept'] LOOP
        IF to_regclass(slot || '.journal_entries_v2') IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %I.journal_entries_v2 DROP CONSTRAINT IF EXISTS journal_entries_v2_kind_check', slot);
            EXECUTE format('ALTER TABLE %I.journal_entries_v2 ADD CONSTRAINT journal_entries_v2_kind_check
                CHECK (kind IN (''top_up'', ''grant'', ''adjustment'', ''hold'', ''charge'', ''correction'', ''release'', ''expiry''))', slot);
        END IF;
        IF to_regclass(slot || '.generations_v1') IS NOT NULL THEN
            EXECUTE format('CREATE TABLE %I.generations_corrections_v1 (LIKE views.generations_corrections_v1 INCLUDING ALL)', slot);
        END IF;
    END LOOP;
END $$;
