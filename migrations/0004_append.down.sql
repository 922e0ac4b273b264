CREATE FUNCTION ledger.expect(touched bigint, expected bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF touched <> expected THEN
        RAISE EXCEPTION 'compare-and-set touched % rows instead of %', touched, expected USING ERRCODE = 'MR001';
    END IF;
END $$;

DROP FUNCTION ledger.move_streams(smallint, text[], bigint[], bigint[]);
DROP FUNCTION ledger.move_head(smallint, bigint, uuid, bigint, uuid, timestamptz);
ALTER TABLE ledger.log_heads DROP COLUMN event_id;
