package memory_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/massrouter/massrouter/eventstore"
	"github.com/massrouter/massrouter/eventstore/eventstoretest"
	"github.com/massrouter/massrouter/eventstore/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	eventstoretest.Run(t, func(*testing.T) eventstoretest.Harness {
		control := &eventstoretest.Control{}
		opt := memory.Options{
			Clock: func() time.Time { return control.Now(time.Now()) },
			CommitFault: func(*eventstore.Batch) memory.Fault {
				switch control.Fate() {
				case eventstoretest.LostBefore:
					return memory.Fault{Before: eventstore.ErrUnknown}
				case eventstoretest.LostAfter:
					return memory.Fault{After: eventstore.ErrUnknown}
				case eventstoretest.Durable:
				}
				return memory.Fault{}
			},
		}
		store := memory.New(opt)
		return eventstoretest.Harness{
			Store:   store,
			Reopen:  func(*testing.T) eventstore.Store { return store.Reopen(opt) },
			Control: control,
		}
	})
}
