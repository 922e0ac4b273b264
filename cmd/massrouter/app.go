package main

import (
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/http/openapi/client"
)

func newAppCommand(sh shell) *cobra.Command {
	return group("app", "Register, show and archive apps",
		"Registers, shows and archives apps. An app is what the usage of keys is shown under in the rankings; 'key bind-app' binds a key."+operatorHelp,
		newAppRegisterCommand(sh), newAppUpdateCommand(sh), newAppArchiveCommand(sh), newAppListCommand(sh), newAppShowCommand(sh))
}

// appDetails is what can be said of an app.
type appDetails struct {
	name, url, description string
	hidden                 bool
}

func (d *appDetails) flags(c *cobra.Command) {
	c.Flags().StringVar(&d.name, "name", "", "its name (needed)")
	c.Flags().StringVar(&d.url, "url", "", "its public https address (needed)")
	c.Flags().StringVar(&d.description, "description", "", "what it does")
	c.Flags().BoolVar(&d.hidden, "hidden", false, "show its usage nowhere by name")
}

func (d *appDetails) body() (client.AppDetails, error) {
	if d.name == "" || d.url == "" {
		return client.AppDetails{}, usagef("an app needs --name and --url")
	}
	return client.AppDetails{Name: d.name, URL: d.url, Description: pointer(d.description), Hidden: pointer(d.hidden)}, nil
}

func newAppRegisterCommand(sh shell) *cobra.Command {
	var o operator
	var details appDetails
	c := &cobra.Command{
		Use: "register WALLET", Short: "Register an app", Args: exactly(1),
		Long:    "Registers an app for a wallet and prints its id. Only keys of that wallet can be bound to it." + operatorHelp,
		Example: "  massrouter app register 018f0000-0000-7000-8000-000000000000 --name Notes --url https://notes.example",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("wallet", args[0])
			if err != nil {
				return err
			}
			body, err := details.body()
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.RegisterAppWithResponse(c.Context(), id, &client.RegisterAppParams{IdempotencyKey: &o.once}, body)
			if err != nil {
				return o.lost(err)
			}
			registered, err := answer(r.JSON201, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(registered, func(w io.Writer) {
				output.Fields(w, "app", registered.AppID.String(), "position", registered.Position.String())
			})
		},
	}
	details.flags(c)
	return o.flags(c, true)
}

func newAppUpdateCommand(sh shell) *cobra.Command {
	var o operator
	var details appDetails
	c := &cobra.Command{
		Use: "update APP", Short: "Replace what is said of an app", Args: exactly(1),
		Long:    "Replaces name, address, description and visibility together: what is not given is taken away." + operatorHelp,
		Example: "  massrouter app update 018f0000-0000-7000-8000-000000000000 --name Notes --url https://notes.example --hidden",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("app", args[0])
			if err != nil {
				return err
			}
			body, err := details.body()
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.UpdateAppWithResponse(c.Context(), id, &client.UpdateAppParams{IdempotencyKey: &o.once}, body)
			if err != nil {
				return o.lost(err)
			}
			return printReceipt(c, "updated", args[0], r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	details.flags(c)
	return o.flags(c, true)
}

func newAppArchiveCommand(sh shell) *cobra.Command {
	var o operator
	reason := ""
	c := &cobra.Command{
		Use: "archive APP", Short: "End an app", Args: exactly(1),
		Long: "Archives an app: no key is bound to it any more. Keys that are bound stay so, and what it did is still shown; " +
			"hide it first if that is not wanted. It cannot be taken back." + operatorHelp,
		Example: "  massrouter app archive 018f0000-0000-7000-8000-000000000000 --reason 'shut down'",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("app", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.ArchiveAppWithResponse(c.Context(), id, &client.ArchiveAppParams{IdempotencyKey: &o.once}, client.KeyReason{Reason: reason})
			if err != nil {
				return o.lost(err)
			}
			return printReceipt(c, "archived", args[0], r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; recorded for ever")
	return o.flags(c, true)
}

func newAppListCommand(sh shell) *cobra.Command {
	var o operator
	cursor := ""
	c := &cobra.Command{
		Use: "list WALLET", Short: "List the apps of a wallet", Args: exactly(1),
		Long:    "Lists a page of the apps of a wallet, the newest first." + operatorHelp,
		Example: "  massrouter app list 018f0000-0000-7000-8000-000000000000",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("wallet", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.ListAppsWithResponse(c.Context(), id, &client.ListAppsParams{Cursor: pointer(cursor)})
			if err != nil {
				return err
			}
			page, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(page, func(w io.Writer) {
				rows := make([][]string, len(page.Items))
				for i, a := range page.Items {
					rows[i] = []string{a.ID.String(), a.Name, a.URL, strconv.FormatBool(a.Hidden), strconv.FormatBool(a.Archived)}
				}
				output.Table(w, []string{"app", "name", "url", "hidden", "archived"}, rows)
				if page.NextCursor != nil {
					output.Fields(w, "more with --cursor", *page.NextCursor)
				}
			})
		},
	}
	c.Flags().StringVar(&cursor, "cursor", "", "the page after this cursor")
	return o.flags(c, false)
}

func newAppShowCommand(sh shell) *cobra.Command {
	var o operator
	c := &cobra.Command{
		Use: "show APP", Short: "Show an app", Args: exactly(1),
		Long:    "Shows what is said of an app." + operatorHelp,
		Example: "  massrouter app show 018f0000-0000-7000-8000-000000000000",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("app", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.GetAppWithResponse(c.Context(), id, &client.GetAppParams{})
			if err != nil {
				return err
			}
			shown, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(shown, func(w io.Writer) {
				a := shown.App
				output.Fields(w, "app", a.ID.String(), "wallet", a.WalletID.String(), "name", a.Name, "url", a.URL, "description", a.Description,
					"hidden", strconv.FormatBool(a.Hidden), "archived", strconv.FormatBool(a.Archived), "registered", output.Time(a.RegisteredAt))
			})
		},
	}
	return o.flags(c, false)
}
