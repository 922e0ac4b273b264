package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/dev"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/folder"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
)

const devLong = `Runs the whole product on this machine: a private PostgreSQL in the data folder, an in-process Redis, a simulated vendor,
the API and its background work in one process, and data to try it with: four vendors of four dialects, seven models with prices, a wallet
with 20 USD, and a key.

The data folder keeps everything. Started again on it, the command continues: same key, same wallet, same balance. Two
folders can run at the same time. A folder or database with data that this command did not make is refused.

DIR/dev.json says how to reach it: base_url, api_key, operator_token, wallet_id, postgres_url, redis_url, sim_url,
ops_url, portal_url, mail_url.
DATABASE_URL (an empty database) and REDIS_URL put real servers in the place of the private ones.`

func newDevCommand(sh shell) *cobra.Command {
	data, listen := ".data", ""
	c := &cobra.Command{
		Use: "dev", Short: "Run everything on this machine, with data to try", Args: exactly(0), Long: devLong,
		Example: "  massrouter dev\n  massrouter dev --data /tmp/second --listen 127.0.0.1:8081",
		RunE:    func(c *cobra.Command, _ []string) error { return runDev(c.Context(), c, sh, data, listen) },
	}
	c.Flags().StringVar(&data, "data", data, "data folder; made when missing")
	c.Flags().StringVar(&listen, "listen", "", "address of the API (default: that of the last start, else 127.0.0.1:8080, else a free port)")
	return c
}

func runDev(ctx context.Context, c *cobra.Command, sh shell, data, listen string) error {
	if _, _, err := net.SplitHostPort(listen); listen != "" && err != nil {
		return usagef("--listen: %q is no HOST:PORT", listen)
	}
	cfg, err := devSettings(c, sh)
	if err != nil {
		return err
	}
	p := printer(c)
	err = dev.Run(ctx, dev.Options{
		Dir: data, Listen: listen, Config: cfg, Log: newLogger(sh.err, cfg.Log), Progress: p.Progress,
		Ready: func(info folder.Info) { announce(p, info, filepath.Join(data, folder.InfoName)) },
	})
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // stopped while it was starting
	}
	return err
}

// devSettings is the configuration with a quieter log for people, unless they said otherwise.
func devSettings(c *cobra.Command, sh shell) (config.Config, error) {
	quiet := append([]string{"MASSROUTER_LOG_LEVEL=warn", "MASSROUTER_LOG_FORMAT=text"}, sh.environ...)
	sh.environ = quiet
	return settings(c, sh, config.RoleDev)
}

// announce prints the addresses, the file that has the operator token, and a line to paste.
func announce(p *output.Printer, info folder.Info, file string) {
	err := p.Value(info, func(w io.Writer) {
		output.Fields(w, "API", info.BaseURL, "operations", info.OpsURL, "simulated vendor", info.SimURL,
			"PostgreSQL", info.PostgresURL, "Redis", info.RedisURL, "wallet", info.WalletID.String(), "API key", info.APIKey,
			"operator token", "operator_token in "+file, "portal (links in mails)", info.PortalURL, "mails", info.MailURL)
		_, _ = fmt.Fprintf(w, "\nTry it:\n\n%s\n\nCtrl-C stops it; started again it continues.\n", dev.Curl(info)) // w is a buffer
	})
	if err != nil {
		p.Progress("print the addresses: %v", err)
	}
}
