package wallet_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain/internal/script"
)

// TestScripts runs testdata/*.txt; the language is described in domain/testdata/README.md.
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 10)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NotEmpty(t, script.Title(string(text)), "a script begins with a comment that says what it shows")
			require.NoError(t, script.Run(string(text)))
		})
	}
}
