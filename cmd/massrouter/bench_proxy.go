package main

import (
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/benchgateway"
)

// newBenchProxyCommand is a process of 'bench gateway'.
func newBenchProxyCommand() *cobra.Command {
	var to string
	c := &cobra.Command{
		Use: "proxy", Short: "A bare reverse proxy, for comparison", Args: exactly(0), Hidden: true,
		Long:    "Runs the standard library's reverse proxy on a free local port: what 'bench gateway' compares the gateway with.",
		Example: "  massrouter bench proxy --to http://127.0.0.1:8090",
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := benchgateway.NewProxy(c.Context(), to)
			if err != nil {
				return usagef("--to: %v", err)
			}
			if err := printer(c).Line(map[string]string{"url": p.URL()}, "The proxy is at "+p.URL()); err != nil {
				return err
			}
			return p.Run(c.Context())
		},
	}
	c.Flags().StringVar(&to, "to", "", "the server's address")
	return c
}
