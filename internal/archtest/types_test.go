package archtest_test

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// checked is a package with the types of all its expressions.
type checked struct {
	files []*ast.File
	set   *token.FileSet
	info  *types.Info
}

// check type-checks the packages of some rooms; their imports are read from the compiler's export data.
func check(t *testing.T, rooms ...string) []checked {
	t.Helper()
	exports := map[string]string{}
	units := list(t, rooms, "-deps", "-export")
	for _, u := range units {
		exports[u.ImportPath] = u.Export
	}
	var all []checked
	for _, u := range units {
		wanted := false
		for _, name := range rooms {
			wanted = wanted || below(u.ImportPath, module+"/"+name)
		}
		if !wanted {
			continue
		}
		set := token.NewFileSet()
		var files []*ast.File
		for _, name := range u.GoFiles {
			file, err := parser.ParseFile(set, filepath.Join(u.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
			require.NoError(t, err)
			files = append(files, file)
		}
		all = append(all, typeCheck(t, u.ImportPath, set, files, func(path string) (io.ReadCloser, error) {
			return os.Open(exports[path])
		}))
	}
	return all
}

func typeCheck(t *testing.T, path string, set *token.FileSet, files []*ast.File, lookup importer.Lookup) checked {
	t.Helper()
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: importer.ForCompiler(set, "gc", lookup)}
	_, err := config.Check(path, set, files, info)
	require.NoError(t, err)
	return checked{files: files, set: set, info: info}
}

// place is a position as "room/file.go:line".
func (c checked) place(t *testing.T, pos token.Pos) string {
	t.Helper()
	position := c.set.Position(pos)
	name, err := filepath.Rel(root(t), position.Filename)
	require.NoError(t, err)
	return fmt.Sprintf("%s:%d", filepath.ToSlash(name), position.Line)
}

// floats lists the places of all expressions of a floating-point type, also of inferred ones.
func (c checked) floats(t *testing.T) []string {
	t.Helper()
	seen := map[string]bool{}
	for expr, value := range c.info.Types {
		basic, ok := types.Unalias(value.Type).Underlying().(*types.Basic)
		if ok && basic.Info()&(types.IsFloat|types.IsComplex) != 0 {
			seen[c.place(t, expr.Pos())] = true
		}
	}
	places := make([]string, 0, len(seen))
	for place := range seen {
		places = append(places, place)
	}
	sort.Strings(places)
	return places
}

func TestMoneyRoomsHaveNoFloats(t *testing.T) {
	t.Parallel()
	for _, c := range check(t, "domain", "commands", "eventstore") {
		for _, place := range c.floats(t) {
			// A metric is a measurement, and its client library takes floats.
			measures := !strings.HasPrefix(place, "domain/") && strings.HasPrefix(filepath.Base(place), "metric")
			require.True(t, measures, "a floating-point expression at %s", place)
		}
	}
}

// failures lists the places of hand-written code that name one of net/http's constants for a status of 400 or
// more.
func (c checked) failures(t *testing.T) []string {
	t.Helper()
	generated := map[string]bool{}
	for _, file := range c.files {
		generated[c.set.File(file.Pos()).Name()] = ast.IsGenerated(file)
	}
	compared := c.compared()
	var places []string
	for ident, object := range c.info.Uses {
		status, ok := object.(*types.Const)
		if !ok || status.Pkg() == nil || status.Pkg().Path() != "net/http" || !strings.HasPrefix(status.Name(), "Status") {
			continue
		}
		if code, exact := constant.Int64Val(status.Val()); exact && code >= 400 && !compared[ident] && !generated[c.set.File(ident.Pos()).Name()] {
			places = append(places, c.place(t, ident.Pos()))
		}
	}
	sort.Strings(places)
	return places
}

// compared are the names from other packages that stand in a comparison: who reads a status chooses none.
func (c checked) compared() map[*ast.Ident]bool {
	names := map[*ast.Ident]bool{}
	for _, file := range c.files {
		ast.Inspect(file, func(n ast.Node) bool {
			if b, ok := n.(*ast.BinaryExpr); ok && (b.Op == token.EQL || b.Op == token.NEQ || b.Op == token.LSS || b.Op == token.LEQ || b.Op == token.GTR || b.Op == token.GEQ) {
				for _, side := range []ast.Expr{b.X, b.Y} {
					if s, ok := side.(*ast.SelectorExpr); ok {
						names[s.Sel] = true
					}
				}
			}
			return true
		})
	}
	return names
}

func TestFailureStatusIsChosenInOnePlace(t *testing.T) {
	t.Parallel()
	// One table for the console's problem documents, one for the vendors' dialects; and what a load balancer asks.
	tables := []string{"http/problem*.go", "http/problem/*.go", "http/inference/error*.go", "http/operations.go"}
	for _, c := range check(t, "http") {
		for _, place := range c.failures(t) {
			file, _, _ := strings.Cut(place, ":")
			allowed := false
			for _, pattern := range tables {
				match, err := filepath.Match(pattern, file)
				require.NoError(t, err)
				allowed = allowed || match
			}
			require.True(t, allowed, "%s chooses a failure status; return an error with a code instead", place)
		}
	}
}

func TestTypeChecksFindWhatTheyRefuse(t *testing.T) {
	t.Parallel()
	const source = `package p

import "net/http"

var whole = 1e3 * 2 / 2

type ratio float64

const exact int = 1e3

func inferred(n int) int {
	x := 1.5
	return int(ratio(x)) * n * exact
}

func status() (int, int) { return http.StatusOK, http.StatusTeapot }
`
	exports := map[string]string{}
	for _, u := range goList(t, "-deps", "-export", "net/http") {
		exports[u.ImportPath] = u.Export
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, filepath.Join(root(t), "p.go"), source, parser.SkipObjectResolution)
	require.NoError(t, err)
	c := typeCheck(t, "p", set, []*ast.File{file}, func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	require.Equal(t, []string{"p.go:12", "p.go:13", "p.go:5", "p.go:7"}, c.floats(t))
	require.Equal(t, []string{"p.go:16"}, c.failures(t))
}
