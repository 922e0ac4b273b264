package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
)

//go:generate go run . docs config --out ../../docs/configuration.md

func newDocsCommand(_ shell) *cobra.Command {
	c := group("docs", "Generate documents", "Prints the documents that are generated from the program. 'make generate' writes them into docs/.",
		newDocCommand("config", "The table of settings (docs/configuration.md)",
			"Prints the table of all environment variables in Markdown, generated from the Config struct.", config.WriteTable))
	c.Hidden = true
	return c
}

func newDocCommand(name, short, long string, writeDoc func(io.Writer) error) *cobra.Command {
	out := ""
	c := &cobra.Command{
		Use: name, Short: short, Long: long, Args: exactly(0), Example: "  massrouter docs " + name + " --out docs/FILE.md",
		RunE: func(c *cobra.Command, _ []string) error {
			var document bytes.Buffer
			if err := writeDoc(&document); err != nil {
				return err
			}
			if out == "" {
				_, err := document.WriteTo(c.OutOrStdout())
				return err
			}
			const everybody = 0o644
			if err := os.WriteFile(out, document.Bytes(), everybody); err != nil {
				return fmt.Errorf("write the document: %w", err)
			}
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", "", "write to this file instead of the standard output")
	return c
}
