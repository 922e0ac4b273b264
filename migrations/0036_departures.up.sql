-- Members who have left an organisation, or have another role there: whose keys are looked at until what they may have no more is over. Whatever takes a
-- member away notes it with the change itself, also the end of an account.
CREATE TABLE identity.departures (
    wallet_id uuid NOT NULL,
    member_id uuid NOT NULL, -- as keys in the ledger name whose they are
    at        timestamptz NOT NULL,
    due_at    timestamptz NOT NULL, -- of the next look
    PRIMARY KEY (wallet_id, member_id)
);
CREATE INDEX departures_due ON identity.departures (due_at);

CREATE FUNCTION identity.depart() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO identity.departures (wallet_id, member_id, at, due_at)
    SELECT o.wallet_id, OLD.user_id, clock_timestamp(), clock_timestamp() FROM identity.organisations o
    WHERE o.organisation_id = OLD.organisation_id AND o.personal_of IS NULL AND o.deleted_at IS NULL
    ON CONFLICT (wallet_id, member_id) DO UPDATE SET at = excluded.at, due_at = excluded.due_at;
    RETURN NULL;
END $$;
CREATE TRIGGER departs AFTER DELETE ON identity.members FOR EACH ROW EXECUTE FUNCTION identity.depart();
CREATE TRIGGER changes_role AFTER UPDATE OF role ON identity.members FOR EACH ROW WHEN (OLD.role <> NEW.role) EXECUTE FUNCTION identity.depart();
