package auditdb_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/audit"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/auditdb"
	"github.com/massrouter/massrouter/identity/auditlog"
)

// TestTheTrailIsVerified tampers with the audit trail of a ledger's story, with its chain made anew each time where that can be done, and with the ledger
// behind the trail's back.
func TestTheTrailIsVerified(t *testing.T) {
	t.Parallel()
	const chained = `DELETE FROM audit.seals; UPDATE audit.head SET sequence = 0, hash = sha256('massrouter audit trail');
		INSERT INTO audit.unsealed SELECT entry_id FROM audit.entries; SELECT audit.seal(100000)`
	for name, c := range map[string]struct {
		sql  string
		want []audit.Code
	}{
		"an entry says something else": {
			`UPDATE audit.entries SET body = replace(body::text, '"done"', '"read"')::json WHERE entry_id = (SELECT max(entry_id) / 2 FROM audit.entries)`,
			[]audit.Code{audit.Code(auditlog.EntryChanged)},
		},
		"an entry is gone": {
			`DELETE FROM audit.entries WHERE entry_id = (SELECT max(entry_id) / 2 FROM audit.entries)`,
			[]audit.Code{audit.Code(auditlog.EntryMissing), auditdb.ChangeUnrecorded},
		},
		"an entry is gone, and the chain is made anew": {
			`DELETE FROM audit.entries WHERE entry_id = (SELECT max(entry_id) / 2 FROM audit.entries); ` + chained, []audit.Code{auditdb.ChangeUnrecorded},
		},
		"an entry of a command that nobody sent": {
			`SELECT audit.record(ARRAY['{"actor":"user:x","action":"TopUpWallet","result":"done","command_id":"5e0f8ab2-5d5c-4a30-9d23-6b0d7d1c2f11"}'], ARRAY['']); ` + chained,
			[]audit.Code{auditdb.ChangeUnknown},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			made, err := auditlog.New(b.pool).Seal(t.Context())
			require.NoError(t, err)
			require.Greater(t, made, int64(20), "the story has changes by people")
			clean := b.clean(t)
			require.True(t, slices.ContainsFunc(clean.Tables, func(of auditdb.Table) bool { return of.Name == "audit.entries" && of.Rows == made }))
			_, err = b.pool.Exec(t.Context(), `BEGIN; SET LOCAL session_replication_role = replica; `+c.sql+`; COMMIT`)
			require.NoError(t, err)
			r := b.verify(t)
			var got []audit.Code
			for code := range r.Log.FindingCodes {
				got = append(got, code)
			}
			require.ElementsMatch(t, c.want, got, "%v", r.Log.Findings)
			if slices.Contains(c.want, auditdb.ChangeUnrecorded) {
				require.True(t, slices.ContainsFunc(r.Log.Findings, func(f audit.Finding) bool { return f.Code == auditdb.ChangeUnrecorded && f.Position > 0 }))
			}
		})
	}
}
