package main

import (
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/http/openapi/client"
)

func newPresetCommand(sh shell) *cobra.Command {
	return group("preset", "Make, show and archive presets",
		"Makes, shows, archives and erases presets: what calls of a wallet's keys may leave unsaid. A call names one as the model @preset/SLUG or in its "+
			"member 'preset'; what it says itself wins."+operatorHelp,
		newPresetCreateCommand(sh), newPresetListCommand(sh), newPresetShowCommand(sh), newPresetArchiveCommand(sh), newPresetEraseCommand(sh))
}

func newPresetCreateCommand(sh shell) *cobra.Command {
	var o operator
	var slug, description, prompt, parameters, file string
	c := &cobra.Command{
		Use: "create WALLET", Short: "Make a preset, or its next version", Args: exactly(1),
		Long:    "Makes the first version of a preset, or the next one, and prints its number. Versions never change; the newest is in force." + operatorHelp,
		Example: "  massrouter preset create 018f0000-0000-7000-8000-000000000000 --slug pirate --system-prompt 'Speak like a pirate.' --parameters '{\"model\":\"acme/large\"}'",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("wallet", args[0])
			if err != nil {
				return err
			}
			body := client.PresetContent{Slug: slug, Description: pointer(description), SystemPrompt: pointer(prompt)}
			if parameters != "" {
				value := jsontext.Value(parameters)
				if !value.IsValid() {
					return usagef("--parameters is no JSON")
				}
				body.Parameters = &value
			}
			if err := readSpec(c, file, &body); err != nil {
				return err
			}
			if body.Slug == "" {
				return usagef("a preset needs --slug")
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.CreatePresetWithResponse(c.Context(), id, &client.CreatePresetParams{IdempotencyKey: &o.once}, body)
			if err != nil {
				return o.lost(err)
			}
			made, err := answer(r.JSON201, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(made, func(w io.Writer) {
				output.Fields(w, "preset", made.PresetID.String(), "slug", made.Slug, "version", strconv.Itoa(made.Version), "content", made.ContentHash)
			})
		},
	}
	c.Flags().StringVar(&slug, "slug", "", "what calls name it by (needed)")
	c.Flags().StringVar(&description, "description", "", "what it is for")
	c.Flags().StringVar(&prompt, "system-prompt", "", "for calls without a system prompt of their own")
	c.Flags().StringVar(&parameters, "parameters", "", "a JSON object of parameters of chat completions")
	fileFlag(c, &file, "slug", "description", "system-prompt", "parameters")
	return o.flags(c, true)
}

func newPresetListCommand(sh shell) *cobra.Command {
	var o operator
	c := &cobra.Command{
		Use: "list WALLET", Short: "List the presets of a wallet", Args: exactly(1),
		Long:    "Lists the presets of a wallet by their slugs." + operatorHelp,
		Example: "  massrouter preset list 018f0000-0000-7000-8000-000000000000",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("wallet", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.ListPresetsWithResponse(c.Context(), id)
			if err != nil {
				return err
			}
			list, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(list, func(w io.Writer) {
				rows := make([][]string, len(list.Items))
				for i, p := range list.Items {
					rows[i] = []string{p.ID.String(), p.Slug, strconv.Itoa(p.Versions), output.Time(p.UpdatedAt), strconv.FormatBool(p.ArchivedAt != nil)}
				}
				output.Table(w, []string{"preset", "slug", "versions", "updated", "archived"}, rows)
			})
		},
	}
	return o.flags(c, false)
}

func newPresetShowCommand(sh shell) *cobra.Command {
	var o operator
	number := 0
	c := &cobra.Command{
		Use: "show PRESET", Short: "Show what a preset says", Args: exactly(1),
		Long:    "Shows the newest version of a preset, or the one of --version." + operatorHelp,
		Example: "  massrouter preset show 018f0000-0000-7000-8000-000000000000 --version 2",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("preset", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			if number != 0 {
				r, err := api.GetPresetVersionWithResponse(c.Context(), id, number)
				if err != nil {
					return err
				}
				shown, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
				if err != nil {
					return err
				}
				return printPresetVersion(c, &shown.Version)
			}
			r, err := api.GetPresetWithResponse(c.Context(), id)
			if err != nil {
				return err
			}
			shown, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printPresetVersion(c, &shown.Newest)
		},
	}
	c.Flags().IntVar(&number, "version", 0, "the version; the newest")
	return o.flags(c, false)
}

func printPresetVersion(c *cobra.Command, v *client.PresetVersion) error {
	return printer(c).Value(v, func(w io.Writer) {
		parameters := ""
		if v.Parameters != nil {
			parameters = string(*v.Parameters)
		}
		output.Fields(w, "preset", v.PresetID.String(), "slug", v.Slug, "version", strconv.Itoa(v.Version), "description", v.Description,
			"system prompt", v.SystemPrompt, "parameters", parameters, "content", v.ContentHash, "made", output.Time(v.CreatedAt), "by", v.CreatedBy)
	})
}

func newPresetArchiveCommand(sh shell) *cobra.Command {
	var o operator
	c := &cobra.Command{
		Use: "archive PRESET", Short: "Keep calls from using a preset", Args: exactly(1),
		Long:    "Archives a preset: calls that name it are refused, and it changes no more. It cannot be taken back." + operatorHelp,
		Example: "  massrouter preset archive 018f0000-0000-7000-8000-000000000000",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("preset", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.ArchivePresetWithResponse(c.Context(), id, &client.ArchivePresetParams{IdempotencyKey: &o.once})
			if err != nil {
				return o.lost(err)
			}
			return printPresetChange(c, "archived", r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	return o.flags(c, true)
}

func newPresetEraseCommand(sh shell) *cobra.Command {
	var o operator
	c := &cobra.Command{
		Use: "erase PRESET", Short: "Erase a preset with all its versions", Args: exactly(1),
		Long:    "Removes a preset and all that its versions say. Records of calls keep its id and version. It cannot be taken back." + operatorHelp,
		Example: "  massrouter preset erase 018f0000-0000-7000-8000-000000000000",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("preset", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.ErasePresetWithResponse(c.Context(), id, &client.ErasePresetParams{IdempotencyKey: &o.once})
			if err != nil {
				return o.lost(err)
			}
			return printPresetChange(c, "erased", r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	return o.flags(c, true)
}

func printPresetChange(c *cobra.Command, done string, changed *client.PresetChange, problem *client.Problem, status string) error {
	changed, err := answer(changed, problem, status)
	if err != nil {
		return err
	}
	return printer(c).Value(changed, func(w io.Writer) { output.Fields(w, done, changed.PresetID.String()) })
}
