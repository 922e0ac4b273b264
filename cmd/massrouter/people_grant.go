package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/http/openapi/client"
)

func newPeopleCommand(sh shell) *cobra.Command {
	return group("people", "Give people roles on the platform, and take them back",
		"Roles on the platform are what people may do on everything; docs/permissions.md has them. They are granted for a time. The first owner is made "+
			"with the operator token; from then on two owners grant roles in the console."+operatorHelp,
		newPeopleGrantCommand(sh), newPeopleListCommand(sh), newPeopleRevokeCommand(sh))
}

func newPeopleGrantCommand(sh shell) *cobra.Command {
	var o operator
	var reason string
	var days int
	c := &cobra.Command{
		Use: "grant EMAIL ROLE", Short: "Give somebody a role on the platform", Args: exactly(2),
		Long: "Gives the owner of a mailbox, who has an account and has proved the mailbox, a role on the platform: support, operator, catalogue, finance, " +
			"auditor, owner or read-only. It counts in sessions of the admin site, which need a second factor." + operatorHelp,
		Example: "  massrouter people grant ann@example.com owner --reason 'the first owner' --days 365",
		RunE: func(c *cobra.Command, args []string) error {
			if reason == "" {
				return usagef("say why with --reason: it is kept")
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.GrantRoleWithResponse(c.Context(), &client.GrantRoleParams{IdempotencyKey: &o.once},
				client.NewPlatformGrant{Email: args[0], Role: args[1], Reason: reason, Days: days})
			if err != nil {
				return o.lost(err)
			}
			granted, err := answer(r.JSON201, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(granted, func(w io.Writer) { grantTable(w, []client.PlatformGrant{*granted}) })
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why (needed)")
	c.Flags().IntVar(&days, "days", 90, "for how long, at most 365")
	return o.flags(c, true)
}

// grantsAtOnce is how many are read at once.
const grantsAtOnce = 200

func newPeopleListCommand(sh shell) *cobra.Command {
	var o operator
	var past bool
	c := &cobra.Command{
		Use: "list", Short: "List who has which role on the platform", Args: exactly(0),
		Long:    "Lists the roles on the platform that are in force, the newest first; with --past also those that are over." + reachHelp,
		Example: "  massrouter people list\n  massrouter people list --past",
		RunE: func(c *cobra.Command, _ []string) error {
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			list, err := everyGrant(c.Context(), api, past)
			if err != nil {
				return err
			}
			return printer(c).Value(list, func(w io.Writer) { grantTable(w, list.Items) })
		},
	}
	c.Flags().BoolVar(&past, "past", false, "also those that are over")
	return o.flags(c, false)
}

// everyGrant reads all pages as one.
func everyGrant(ctx context.Context, api *client.ClientWithResponses, past bool) (client.PlatformGrantPage, error) {
	list := client.PlatformGrantPage{Items: []client.PlatformGrant{}}
	for {
		r, err := api.ListGrantsWithResponse(ctx, &client.ListGrantsParams{Past: &past, Cursor: list.NextCursor, Limit: pointer(grantsAtOnce)})
		if err != nil {
			return list, err
		}
		page, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		if err != nil {
			return list, err
		}
		list.Items, list.NextCursor = append(list.Items, page.Items...), page.NextCursor
		if page.NextCursor == nil {
			return list, nil
		}
	}
}

func newPeopleRevokeCommand(sh shell) *cobra.Command {
	var o operator
	c := &cobra.Command{
		Use: "revoke GRANT", Short: "Take a role on the platform back", Args: exactly(1),
		Long:    "Ends a role that was granted, at once. 'massrouter people list' shows its id." + operatorHelp,
		Example: "  massrouter people revoke 018f0000-0000-7000-8000-000000000000",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("grant", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.EndGrantWithResponse(c.Context(), id, &client.EndGrantParams{IdempotencyKey: &o.once})
			if err != nil {
				return o.lost(err)
			}
			if r.ApplicationProblemJSONDefault != nil {
				_, err := answer[struct{}](nil, r.ApplicationProblemJSONDefault, r.Status())
				return err
			}
			return printer(c).Line(map[string]string{"ended": args[0]}, "ended "+args[0])
		},
	}
	return o.flags(c, true)
}

func grantTable(w io.Writer, all []client.PlatformGrant) {
	rows := make([][]string, len(all))
	for i := range all {
		g := &all[i]
		ended := ""
		if g.EndedAt != nil {
			ended = output.Time(*g.EndedAt)
		}
		rows[i] = []string{g.ID.String(), g.Email, g.Role, output.Time(g.ExpiresAt), ended, g.GrantedBy, g.Reason}
	}
	output.Table(w, []string{"GRANT", "WHO", "ROLE", "UNTIL", "ENDED", "BY", "REASON"}, rows)
}
