package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
)

const module = "github.com/massrouter/massrouter/"

// readMeanings collects the comments of all struct fields of some packages, by package path, type and field.
func readMeanings(root string, packages ...string) (map[string]string, error) {
	out := map[string]string{}
	for _, name := range packages {
		files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(name), "*.go"))
		if err != nil {
			return nil, fmt.Errorf("list the files of %s: %w", name, err)
		}
		for _, file := range files {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				return nil, fmt.Errorf("parse %s: %w", name, err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if spec, ok := n.(*ast.TypeSpec); ok {
					collect(out, module+name+"."+spec.Name.Name, spec.Type)
				}
				return true
			})
		}
	}
	return out, nil
}

func collect(out map[string]string, owner string, t ast.Expr) {
	s, ok := t.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range s.Fields.List {
		comment := f.Comment
		if comment == nil {
			comment = f.Doc
		}
		for _, name := range f.Names {
			out[owner+"."+name.Name] = strings.Join(strings.Fields(comment.Text()), " ")
		}
	}
}
