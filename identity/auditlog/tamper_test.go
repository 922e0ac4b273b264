package auditlog_test

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/identity/auditlog"
)

// forge makes the chain anew from the rows as they are, which whoever can write to the database can.
const forge = `DO $$ BEGIN
	DELETE FROM audit.unsealed; DELETE FROM audit.seals;
	UPDATE audit.head SET sequence = 0, hash = sha256('massrouter audit trail');
	INSERT INTO audit.unsealed SELECT entry_id FROM audit.entries;
	PERFORM audit.seal(100000);
END $$`

// TestTampering changes, removes, inserts and moves what is there, as the owner of the database could: each is found and named.
func TestTampering(t *testing.T) {
	t.Parallel()
	// Of five entries the third is tampered with.
	for name, c := range map[string]struct {
		sql  string
		want auditlog.Code
	}{
		"a body":                         {`UPDATE audit.entries SET body = replace(body::text, 'viewer', 'viewer ')::json WHERE entry_id = 3`, auditlog.EntryChanged},
		"white space of a body":          {`UPDATE audit.entries SET body = (body::text || ' ')::json WHERE entry_id = 3`, auditlog.EntryChanged},
		"the actor":                      {`UPDATE audit.entries SET body = replace(body::text, '"actor":"user', '"actor":"usex')::json WHERE entry_id = 3`, auditlog.EntryChanged},
		"the time":                       {`UPDATE audit.entries SET recorded_at = recorded_at - interval '1 microsecond' WHERE entry_id = 3`, auditlog.EntryChanged},
		"a later time":                   {`UPDATE audit.entries SET recorded_at = recorded_at + interval '1 day' WHERE entry_id = 3`, auditlog.TimeDiffers},
		"an address":                     {`UPDATE audit.entries SET personal = replace(personal, '192.0.2.2', '192.0.2.9') WHERE entry_id = 3`, auditlog.EntryChanged},
		"an address and its hash":        {`UPDATE audit.entries SET personal = '{}', personal_hash = sha256(salt || '{}') WHERE entry_id = 3`, auditlog.EntryChanged},
		"a salt":                         {`UPDATE audit.entries SET salt = set_byte(salt, 0, get_byte(salt, 0) # 1) WHERE entry_id = 3`, auditlog.EntryChanged},
		"the hash of what is personal":   {`UPDATE audit.entries SET personal = NULL, salt = NULL, personal_hash = NULL WHERE entry_id = 3`, auditlog.EntryChanged},
		"an entry is gone":               {`DELETE FROM audit.entries WHERE entry_id = 3`, auditlog.EntryMissing},
		"an entry and its link are gone": {`WITH l AS (DELETE FROM audit.seals WHERE entry_id = 3) DELETE FROM audit.entries WHERE entry_id = 3`, auditlog.LinkMissing},
		"a link is gone":                 {`DELETE FROM audit.seals WHERE sequence = 3`, auditlog.EntryUnlinked},
		"the last one is gone":           {`WITH l AS (DELETE FROM audit.seals WHERE entry_id = 5) DELETE FROM audit.entries WHERE entry_id = 5`, auditlog.HeadDiffers},
		"closed ranks": {`DELETE FROM audit.entries WHERE entry_id = 3; DELETE FROM audit.seals WHERE entry_id = 3; UPDATE audit.head SET sequence = 4;
			UPDATE audit.seals SET sequence = sequence + 100 WHERE sequence > 3; UPDATE audit.seals SET sequence = sequence - 101 WHERE sequence > 3`, auditlog.EntryChanged},
		"two change places": {`UPDATE audit.seals SET entry_id = CASE entry_id WHEN 2 THEN 3000 ELSE 2000 END WHERE entry_id IN (2, 3)`, auditlog.EntryMissing},
		"an entry inserted": {`INSERT INTO audit.entries (entry_id, recorded_at, body) OVERRIDING SYSTEM VALUE
			SELECT 30, recorded_at, body FROM audit.entries WHERE entry_id = 3`, auditlog.EntryUnlinked},
		"an entry and a link inserted": {
			`WITH e AS (INSERT INTO audit.entries (entry_id, recorded_at, body) OVERRIDING SYSTEM VALUE
			SELECT 30, recorded_at, body FROM audit.entries WHERE entry_id = 3) INSERT INTO audit.seals SELECT 6, 30, now(), hash FROM audit.seals WHERE sequence = 5`,
			auditlog.EntryChanged,
		},
		"a link's hash":  {`UPDATE audit.seals SET hash = set_byte(hash, 31, get_byte(hash, 31) # 1) WHERE sequence = 3`, auditlog.EntryChanged},
		"a link's time":  {`UPDATE audit.seals SET sealed_at = sealed_at + interval '1 microsecond' WHERE sequence = 3`, auditlog.EntryChanged},
		"a link's entry": {`UPDATE audit.seals SET entry_id = 33 WHERE sequence = 3`, auditlog.EntryMissing},
		"the head":       {`UPDATE audit.head SET sequence = 4`, auditlog.HeadDiffers},
		"the head's hash": {
			`UPDATE audit.head SET hash = set_byte(hash, 0, get_byte(hash, 0) # 1)`,
			auditlog.HeadDiffers,
		},
		"no head":            {`DELETE FROM audit.head`, auditlog.HeadDiffers},
		"one waits for ever": {`INSERT INTO audit.unsealed VALUES (77)`, auditlog.EntryMissing},
		"one is to be linked twice": {
			`INSERT INTO audit.unsealed VALUES (3)`,
			auditlog.EntryMissing,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.fill(t, 5)
			summary, before := b.verify(t)
			require.Empty(t, before)
			require.EqualValues(t, 5, summary.Links)
			b.tamper(t, c.sql)
			_, found := b.verify(t)
			require.True(t, slices.ContainsFunc(found, func(f auditlog.Finding) bool { return f.Code == c.want }), "%v", found)
		})
	}
}

// TestExchangedEntries puts two entries at each other's places, with everything that hangs on them.
func TestExchangedEntries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(t, 5)
	b.tamper(t, `ALTER TABLE audit.seals DROP CONSTRAINT seals_entry_id_key; UPDATE audit.seals SET entry_id = 5 - entry_id WHERE entry_id IN (2, 3)`)
	_, found := b.verify(t)
	require.Len(t, found, 2)
	require.Equal(t, []int64{3, 2}, []int64{found[0].Entry, found[1].Entry})
}

// TestSearchColumns takes away that they follow from the body.
func TestSearchColumns(t *testing.T) {
	t.Parallel()
	for _, column := range []string{"actor", "action", "result", "target", "person", "wallet_id", "organisation_id", "request_id", "command_id"} {
		t.Run(column, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.fill(t, 3)
			_, err := b.pool.Exec(t.Context(), `ALTER TABLE audit.entries ALTER COLUMN `+column+` DROP EXPRESSION`)
			require.NoError(t, err)
			_, found := b.verify(t)
			require.Empty(t, found)
			value := `'x'`
			if column != "actor" && column != "action" && column != "result" && column != "target" {
				value = `gen_random_uuid()`
			}
			b.tamper(t, `UPDATE audit.entries SET `+column+` = `+value+` WHERE entry_id = 2`)
			_, found = b.verify(t)
			require.Len(t, found, 1)
			require.Equal(t, auditlog.ColumnDiffers, found[0].Code)
			require.EqualValues(t, 2, found[0].Entry)
		})
	}
}

// TestNobodyChangesTheTrail tries it as the role that the service has, which owns the tables.
func TestNobodyChangesTheTrail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(t, 3)
	for _, sql := range []string{
		`UPDATE audit.entries SET body = '{}' WHERE entry_id = 1`, `UPDATE audit.entries SET recorded_at = now()`, `UPDATE audit.entries SET personal = '{}'`,
		`UPDATE audit.entries SET personal_hash = NULL`, `UPDATE audit.entries SET personal = NULL, salt = NULL, personal_hash = NULL`,
		`DELETE FROM audit.entries`, `TRUNCATE audit.entries`, `UPDATE audit.seals SET hash = hash`, `DELETE FROM audit.seals`, `TRUNCATE audit.seals`,
		`DELETE FROM audit.head`, `TRUNCATE audit.head`, `UPDATE audit.signed_heads SET note = ''`, `DELETE FROM audit.signed_heads`, `TRUNCATE audit.signed_heads`,
	} {
		_, err := b.pool.Exec(t.Context(), sql)
		var refusal *pgconn.PgError
		require.ErrorAs(t, err, &refusal, sql)
		require.Equal(t, "42501", refusal.Code, sql)
	}
	_, found := b.verify(t)
	require.Empty(t, found)
}

// TestWaitingEntryTakenOut is the window: what has no link yet can be taken out unseen, what has one cannot.
func TestWaitingEntryTakenOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(t, 2)
	require.NoError(t, b.Record(by(t.Context(), [16]byte{1}, "192.0.2.1"), changeOf("late")))
	summary, found := b.verify(t)
	require.Empty(t, found)
	require.EqualValues(t, 1, summary.Waiting)
	b.tamper(t, `DELETE FROM audit.entries WHERE entry_id = 3`)
	_, found = b.verify(t)
	require.Len(t, found, 1, "what waits is gone, and its place in the queue tells")
	require.Equal(t, auditlog.EntryMissing, found[0].Code)
}

// TestForgedChain makes all hashes anew after a change: only a head that was signed before tells.
func TestForgedChain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fill(t, 4)
	s := signatory(t, t.TempDir())
	signed, err := s.Sign(t.Context(), b.Log)
	require.NoError(t, err)
	require.True(t, signed)
	b.tamper(t, `UPDATE audit.entries SET body = replace(body::text, 'admin', 'owner')::json WHERE entry_id = 2`)
	require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `SET LOCAL session_replication_role = replica; `+forge)
		return err
	}))
	_, found := b.verify(t)
	require.Len(t, found, 1)
	require.Equal(t, auditlog.HeadForged, found[0].Code)
	_, err = s.Sign(t.Context(), b.Log)
	require.ErrorIs(t, err, auditlog.ErrHeadLost, "nothing is signed over it")

	b.tamper(t, `DELETE FROM audit.signed_heads`)
	_, found = b.verify(t)
	require.Empty(t, found, "from inside it is right in itself")
	_, err = s.Sign(t.Context(), b.Log)
	require.ErrorIs(t, err, auditlog.ErrHeadLost, "the folder knows")
}
