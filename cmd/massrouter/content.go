package main

import (
	"cmp"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/wallet"
	"github.com/massrouter/massrouter/http/openapi/client"
)

func newContentCommand(sh shell) *cobra.Command {
	return group("content", "Say whether contents of calls are stored, show and erase them",
		"What calls ask and are answered is stored, encrypted and for a time, for wallets whose owner wants that; for no other."+operatorHelp,
		newContentSettingsCommand(sh), newContentShowCommand(sh), newContentEraseCommand(sh), newContentEraseAllCommand(sh))
}

func newContentSettingsCommand(sh shell) *cobra.Command {
	var o operator
	var retention time.Duration
	var keys []string
	c := &cobra.Command{
		Use: "settings WALLET", Short: "Show or set for how long the contents of a wallet's calls are stored", Args: exactly(1),
		Long: "Shows for how long the contents of a wallet's calls are stored, and of which keys; sets it with --retention, and with --key for some keys only. " +
			"With --retention 0 nothing is stored any more, and what is stored is erased." + operatorHelp,
		Example: "  massrouter content settings 018f0000-0000-7000-8000-000000000000\n" +
			"  massrouter content settings 018f0000-0000-7000-8000-000000000000 --retention 72h\n" +
			"  massrouter content settings 018f0000-0000-7000-8000-000000000000 --retention 72h --key 018f0000-0000-7000-8000-000000000001\n" +
			"  massrouter content settings 018f0000-0000-7000-8000-000000000000 --retention 0",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("wallet", args[0])
			if err != nil {
				return err
			}
			sets := c.Flags().Changed("retention")
			storage, err := storageOf(sets, retention, keys)
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			if !sets {
				return showStorage(c, api, id)
			}
			r, err := api.SetContentStorageWithResponse(c.Context(), id, &client.SetContentStorageParams{IdempotencyKey: &o.once}, storage)
			if err != nil {
				return o.lost(err)
			}
			return printReceipt(c, "set", args[0], r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	c.Flags().DurationVar(&retention, "retention", 0, "for how long after a call, in whole hours, at most 2160h; 0 stores nothing")
	c.Flags().StringSliceVar(&keys, "key", nil, "the id of a key whose calls are stored; repeat it for more (default: all)")
	return o.flags(c, true)
}

func storageOf(sets bool, retention time.Duration, keys []string) (wallet.ContentStorage, error) {
	storage := wallet.ContentStorage{RetentionHours: int64(retention / time.Hour)}
	if retention < 0 || retention%time.Hour != 0 {
		return storage, usagef("--retention is in whole hours, such as 72h, or 0")
	}
	if len(keys) > 0 && (!sets || retention == 0) {
		return storage, usagef("--key says whose calls are stored: give --retention, too")
	}
	for _, text := range keys {
		key, err := parseID("key", text)
		if err != nil {
			return storage, err
		}
		storage.Keys = append(storage.Keys, key)
	}
	return storage, nil
}

func showStorage(c *cobra.Command, api *client.ClientWithResponses, id uuid.UUID) error {
	r, err := api.GetWalletTermsWithResponse(c.Context(), id, nil)
	if err != nil {
		return err
	}
	t, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
	if err != nil {
		return err
	}
	return printer(c).Value(t.ContentStorage, func(w io.Writer) {
		stored, keys := "nothing", make([]string, len(t.ContentStorage.Keys))
		if hours := t.ContentStorage.RetentionHours; hours > 0 {
			stored = "for " + strconv.FormatInt(hours, 10) + " hours"
		}
		for i, key := range t.ContentStorage.Keys {
			keys[i] = key.String()
		}
		output.Fields(w, "wallet", t.WalletID.String(), "stored", stored, "keys", joined(keys, "all"))
	})
}

// generationArg reads the id of a call.
func generationArg(text string) (string, error) {
	if _, err := domain.ParseGenerationID(text); err != nil {
		return "", usagef("%q is no generation id: it has the form gen-018f0000-0000-7000-8000-000000000000", text)
	}
	return text, nil
}

func newContentShowCommand(sh shell) *cobra.Command {
	var o operator
	c := &cobra.Command{
		Use: "show GENERATION", Short: "Show what a call asked and was answered", Args: exactly(1),
		Long: "Shows the stored request and answer of a call, as they were sent. That you have looked is recorded in the audit trail; where it cannot be " +
			"recorded, nothing is shown." + reachHelp,
		Example: "  massrouter content show gen-018f0000-0000-7000-8000-000000000000\n  massrouter content show gen-018f0000-0000-7000-8000-000000000000 --json",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := generationArg(args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.GetContentWithResponse(c.Context(), id)
			if err != nil {
				return err
			}
			found, err := answer(r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(found, func(w io.Writer) { writeContent(w, found) })
		},
	}
	return o.flags(c, false)
}

func writeContent(w io.Writer, a *client.ContentAnswer) {
	output.Fields(w, "generation", a.GenerationID, "wallet", a.WalletID.String(), "key", a.KeyID.String(), "operation", a.Operation, "state", string(a.State),
		"error", cmp.Or(optionalText(a.Error), "none"), "started", output.Time(a.StartedAt), "expires", output.Time(a.ExpiresAt))
	for _, one := range []struct {
		name string
		body *client.ContentBody
	}{{"request", a.Request}, {"response", a.Response}} {
		if one.body == nil {
			continue
		}
		head := one.name + " (" + one.body.MediaType + ", " + string(one.body.Encoding)
		if one.body.Truncated {
			head += ", only its beginning"
		}
		_, _ = io.WriteString(w, "\n"+head+")\n"+strings.TrimRight(one.body.Body, "\n")+"\n") // w is a buffer
	}
}

func newContentEraseCommand(sh shell) *cobra.Command {
	var o operator
	c := &cobra.Command{
		Use: "erase GENERATION", Short: "Erase what a call asked and was answered", Args: exactly(1),
		Long:    "Erases the stored content of a call. It cannot be taken back; what the call cost stays in the ledger." + operatorHelp,
		Example: "  massrouter content erase gen-018f0000-0000-7000-8000-000000000000",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := generationArg(args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.EraseContentWithResponse(c.Context(), id, &client.EraseContentParams{IdempotencyKey: &o.once})
			if err != nil {
				return o.lost(err)
			}
			return printErased(c, args[0], r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	return o.flags(c, true)
}

func newContentEraseAllCommand(sh shell) *cobra.Command {
	var o operator
	c := &cobra.Command{
		Use: "erase-all WALLET", Short: "Erase the stored contents of all calls of a wallet", Args: exactly(1),
		Long:    "Erases all that is stored of a wallet's calls. It cannot be taken back. What calls from then on ask is stored as before: see 'content settings'." + operatorHelp,
		Example: "  massrouter content erase-all 018f0000-0000-7000-8000-000000000000",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseID("wallet", args[0])
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.EraseContentsWithResponse(c.Context(), id, &client.EraseContentsParams{IdempotencyKey: &o.once})
			if err != nil {
				return o.lost(err)
			}
			return printErased(c, args[0], r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	return o.flags(c, true)
}

func printErased(c *cobra.Command, what string, done *client.Erased, problem *client.Problem, status string) error {
	e, err := answer(done, problem, status)
	if err != nil {
		return err
	}
	said := "nothing was stored: " + what
	if e.Erased {
		said = "erased " + what
	}
	return printer(c).Line(e, said)
}
