package auditdb_test

import "testing"

// TestUnitsAndTiersAreAudited: every class, every tier, and what the platform bears, in the log and in the read models.
func TestUnitsAndTiersAreAudited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ledger.TellUnits(t.Context())
	b.project(t)
	b.sign(t)
	b.clean(t)
}
