package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

const maxSpecFile = 1 << 20

// fileFlag adds --file, which excludes the flags that say the same.
func fileFlag(c *cobra.Command, file *string, others ...string) {
	c.Flags().StringVarP(file, "file", "f", "", "read everything from a YAML or JSON file (-: standard input); its fields are those of the console API")
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		for _, other := range others {
			if *file != "" && c.Flags().Changed(other) {
				return usagef("--%s stands in the file: give one or the other", other)
			}
		}
		return nil
	}
}

// readSpec fills spec from the file; without one it stays as the flags made it.
func readSpec(c *cobra.Command, path string, spec any) error {
	if path == "" {
		return nil
	}
	in := c.InOrStdin()
	if path != "-" {
		file, err := os.Open(path) //nolint:gosec // the person at the keyboard names it
		if err != nil {
			return usageError{err}
		}
		defer func() { _ = file.Close() }() // it was only read
		in = file
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxSpecFile))
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if err := decodeSpec(raw, spec); err != nil {
		return usagef("%s: %w", path, err)
	}
	return nil
}

// decodeSpec reads YAML, of which JSON is a part, over what spec has. Numbers with a point stay the text that they are,
// so that a price never becomes a float.
func decodeSpec(raw []byte, spec any) error {
	var document yaml.Node
	if err := yaml.Unmarshal(raw, &document); err != nil {
		return err
	}
	if len(document.Content) != 1 {
		return errors.New("the file is empty")
	}
	value, err := plainValue(document.Content[0], 0)
	if err != nil {
		return err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	return dec.Decode(spec)
}

const maxSpecDepth = 20

func plainValue(n *yaml.Node, depth int) (any, error) {
	if depth > maxSpecDepth {
		return nil, errors.New("it is nested too deeply")
	}
	switch n.Kind {
	case yaml.MappingNode:
		object := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			value, err := plainValue(n.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			object[n.Content[i].Value] = value
		}
		return object, nil
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, each := range n.Content {
			value, err := plainValue(each, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	case yaml.ScalarNode:
		return plainScalar(n)
	case yaml.DocumentNode, yaml.AliasNode:
	}
	return nil, fmt.Errorf("line %d: aliases are not supported", n.Line)
}

func plainScalar(n *yaml.Node) (any, error) {
	switch n.ShortTag() {
	case "!!null":
		return nil, nil //nolint:nilnil // null is the value
	case "!!bool":
		return strconv.ParseBool(n.Value)
	case "!!int":
		return json.Number(n.Value), nil
	}
	return n.Value, nil // text, moments, and numbers with a point
}
