package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestThePageIsCurrent(t *testing.T) {
	t.Parallel()
	committed, err := os.ReadFile("../../docs/permissions.md")
	require.NoError(t, err)
	require.Equal(t, document(), string(committed), "docs/permissions.md is out of date: run make generate")
}
