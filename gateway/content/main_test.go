package content_test

import (
	"os"
	"testing"

	"github.com/massrouter/massrouter/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
