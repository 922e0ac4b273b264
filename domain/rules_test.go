package domain_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryRuleIsTested: each numbered rule of a package comment is in the name of a test of that package.
func TestEveryRuleIsTested(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		folder, letter string
		rules          int
	}{{"wallet", "W", 19}, {"apikey", "K", 12}, {"app", "A", 5}, {"catalog", "C", 8}, {"charge", "C", 4}} {
		t.Run(row.folder, func(t *testing.T) {
			t.Parallel()
			comment, tests := readPackage(t, row.folder)
			var rules []string
			for _, match := range regexp.MustCompile(`(?m)^\s+(`+row.letter+`\d+)\s`).FindAllStringSubmatch(comment, -1) {
				rules = append(rules, match[1])
			}
			require.Len(t, rules, row.rules, "the numbered rules of the package comment")
			for _, rule := range rules {
				require.True(t, slices.ContainsFunc(tests, func(name string) bool { return strings.HasPrefix(name, "Test"+rule+"_") }),
					"no test is named Test%s_…", rule)
			}
		})
	}
}

// readPackage gives the package comment and the names of all tests.
func readPackage(t *testing.T, folder string) (comment string, tests []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		require.NoError(t, err)
		if !strings.HasSuffix(file, "_test.go") && parsed.Doc != nil {
			comment += parsed.Doc.Text()
		}
		for _, declaration := range parsed.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok && strings.HasSuffix(file, "_test.go") {
				tests = append(tests, f.Name.Name)
			}
		}
	}
	return comment, tests
}
