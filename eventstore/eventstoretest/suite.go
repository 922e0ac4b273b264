// Package eventstoretest is the contract of eventstore.Store as tests. Each implementation runs the whole suite; what
// the suite does not hold fast, no caller may rely on.
package eventstoretest

import (
	"context"
	"testing"

	"github.com/massrouter/massrouter/eventstore"
)

// Harness is one empty log and the means to make its life hard. All of it ends with the test that it was opened for.
type Harness struct {
	Store eventstore.Store
	// Reopen gives one more Store on the same log, as another process would have it: nothing in memory is shared.
	Reopen func(t *testing.T) eventstore.Store
	// Control is obeyed by Store and by all that were reopened.
	*Control
	// TryTamper runs one SQL statement with the rights of the application; nil where the log is not in a database.
	TryTamper func(ctx context.Context, statement string) error
}

type testCase struct {
	name string
	run  func(t *testing.T, h Harness)
}

// Run checks an implementation. open is called once for each case, each time for a log of its own; the cases are
// subtests and run in parallel.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	for _, cases := range [][]testCase{
		appendCases(), readCases(), streamCases(), snapshotCases(), conflictCases(), commandCases(), tailCases(),
		lockCases(), unlockedCases(), turnCases(), clockCases(), followCases(), unknownCases(), poisonCases(), rightsCases(),
	} {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.run(t, open(t))
			})
		}
	}
}
