DROP TABLE views.reviews_v1;
DROP TABLE views.generations_corrections_v1;
DELETE FROM views.journal_entries_v2 WHERE kind = 'correction';
ALTER TABLE views.journal_entries_v2 DROP CONSTRAINT journal_entries_v2_kind_check;
ALTER TABLE views.journal_entries_v2 ADD CONSTRAINT journal_entries_v2_kind_check
    CHECK (kind IN ('top_up', 'grant', 'adjustment', 'hold', 'charge', 'release', 'expiry'));

DO $$
DECLARE
    slot text;
BEGIN
    FOREACH slot IN ARRAY ARRAY['views_building', 'views_kept'] LOOP
        EXECUTE format('DROP TABLE IF EXISTS %I.generations_corrections_v1', slot);
        EXECUTE format('DROP TABLE IF EXISTS %I.reviews_v1', slot);
        IF to_regclass(slot || '.journal_entries_v2') IS NOT NULL THEN
            EXECUTE format('DELETE FROM %I.journal_entries_v2 WHERE kind = ''correction''', slot);
            EXECUTE format('ALTER TABLE %I.journal_entries_v2 DROP CONSTRAINT IF EXISTS journal_entries_v2_kind_check', slot);
            EXECUTE format('ALTER TABLE %I.journal_entries_v2 ADD CONSTRAINT journal_entries_v2_kind_check
                CHECK (kind IN (''top_up'', ''grant'', ''adjustment'', ''hold'', ''charge'', ''release'', ''expiry''))', slot);
        END IF;
    END LOOP;
END $$;
