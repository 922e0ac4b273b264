package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheCatalogueIsCurrent(t *testing.T) {
	t.Parallel()
	root, err := moduleRoot()
	require.NoError(t, err)
	want, err := document(root)
	require.NoError(t, err)
	committed, err := os.ReadFile(filepath.Join(root, "docs", "events.md"))
	require.NoError(t, err)
	require.Equal(t, want, string(committed), "docs/events.md is out of date: run make generate")
}

func TestTheCatalogueIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	root, err := moduleRoot()
	require.NoError(t, err)
	first, err := document(root)
	require.NoError(t, err)
	for range 3 {
		again, err := document(root)
		require.NoError(t, err)
		require.Equal(t, first, again)
	}
}

func TestTheCatalogueDescribesNestedFields(t *testing.T) {
	t.Parallel()
	root, err := moduleRoot()
	require.NoError(t, err)
	text, err := document(root)
	require.NoError(t, err)
	for _, row := range []string{
		"| `usage` | object: string to integer |",
		"| `line_items[].price` | decimal string |",
		"| `call.finish_reason` | string, optional |",
		"| `price.overrides[].rates` | object: string to decimal string |",
		"| `limits.caps.day` | decimal string, optional |",
		"| `limits.models` | list of strings, optional |",
		"| `posted_after` | decimal string |",
		"| `hash` | 64 hexadecimal digits |",
	} {
		require.Contains(t, text, row)
	}
}

func TestRunWritesTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.md")
	require.NoError(t, run(path))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), "## wallet.usage_charged.v1")
	require.Error(t, run(filepath.Join(t.TempDir(), "missing", "events.md")))
}
