package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/http/openapi/client"
)

func newModelCommand(sh shell) *cobra.Command {
	return group("model", "Publish models and vendors' offers of them",
		"Publishes models, which callers ask for by name, and endpoints: a vendor's offer of a model. A model can be called once "+
			"an endpoint of it has a price in force (see 'massrouter price publish')."+operatorHelp,
		newModelPublishCommand(sh), newModelOfferCommand(sh))
}

// modelFlags are what the specification of a model has beyond plain fields.
type modelFlags struct {
	file, description, tokenizer, released string
	parameters                             []string
	disabled                               bool
	facts                                  catalog.Facts
}

func newModelPublishCommand(sh shell) *cobra.Command {
	var o operator
	var f modelFlags
	spec := client.ModelSpec{}
	c := &cobra.Command{
		Use: "publish AUTHOR/SLUG", Short: "Publish or replace a model", Args: exactly(1),
		Long: "Publishes a model whole: what is not given is not kept from before." + operatorHelp,
		Example: "  massrouter model publish example/large --name 'Example Large' --context 200000 --max-output 32000\n" +
			"  massrouter model publish example/large --file model.yaml",
		RunE: func(c *cobra.Command, args []string) error {
			author, slug, err := parseModel(args[0])
			if err != nil {
				return err
			}
			if err := f.complete(c, &spec); err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.PublishModelWithResponse(c.Context(), author, slug, &client.PublishModelParams{IdempotencyKey: &o.once}, spec)
			if err != nil {
				return o.lost(err)
			}
			return printReceipt(c, "published", args[0], r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	flags := c.Flags()
	flags.StringVar(&spec.Name, "name", "", "for people")
	flags.StringVar(&f.description, "description", "", "for people")
	flags.Int64Var(&spec.ContextLength, "context", 0, "tokens of prompt and completion together")
	flags.Int64Var(&spec.MaxCompletionTokens, "max-output", 0, "most tokens of a completion")
	flags.StringSliceVar(&spec.InputModalities, "input", []string{"text"}, "what it reads")
	flags.StringSliceVar(&spec.OutputModalities, "output", []string{"text"}, "what it writes")
	flags.StringSliceVar(&f.parameters, "parameter", nil, "a request parameter that it knows; repeat it for more")
	flags.StringVar(&f.tokenizer, "tokenizer", "", "the name of its vocabulary")
	flags.StringVar(&f.released, "released", "", "when it came out, for example 2026-01-15 (default: today)")
	flags.BoolVar(&f.disabled, "disabled", false, "publish it without letting anybody call it")
	flags.StringVar(&f.facts.CanonicalSlug, "canonical-slug", "", "a name that never gets to mean another version (default: its id)")
	flags.StringVar(&f.facts.HuggingFaceID, "hugging-face", "", "author/name of its weights")
	flags.StringVar(&f.facts.InstructType, "instruct-type", "", "the format of its prompts, for example chatml")
	flags.StringVar(&f.facts.KnowledgeCutoff, "knowledge-cutoff", "", "the day up to which it was trained, for example 2025-10-01")
	flags.StringVar(&f.facts.ExpirationDate, "expires", "", "the day after which it may be taken away, for example 2028-01-31")
	flags.StringSliceVar(&f.facts.Categories, "category", nil, "what it is good for, for example programming; repeat it for more")
	flags.BoolVar(&f.facts.Distillable, "distillable", false, "its author allows training other models on its answers")
	fileFlag(c, &f.file, "name", "description", "context", "max-output", "input", "output", "parameter", "tokenizer", "released", "disabled",
		"canonical-slug", "hugging-face", "instruct-type", "knowledge-cutoff", "expires", "category", "distillable")
	return o.flags(c, true)
}

// complete adds what is not a plain field, or reads all of it from the file.
func (f modelFlags) complete(c *cobra.Command, spec *client.ModelSpec) error {
	if f.file != "" {
		return readSpec(c, f.file, spec)
	}
	released, err := parseTime("--released", f.released)
	if err != nil {
		return err
	}
	spec.ReleasedAt = time.Now().UTC().Truncate(24 * time.Hour)
	if released != nil {
		spec.ReleasedAt = *released
	}
	if len(f.parameters) > 0 {
		spec.SupportedParameters = &f.parameters
	}
	spec.Facts = unlessZero(f.facts)
	spec.Description, spec.Tokenizer, spec.Status = pointer(f.description), pointer(f.tokenizer), status(f.disabled)
	return nil
}

func newModelOfferCommand(sh shell) *cobra.Command {
	var o operator
	file, disabled := "", false
	var terms offerTerms
	spec := client.EndpointSpec{}
	c := &cobra.Command{
		Use: "offer AUTHOR/SLUG@VENDOR", Short: "Publish or replace a vendor's offer of a model (an endpoint)", Args: exactly(1),
		Long: "Publishes an endpoint whole: what a vendor calls the model, and how much of it the vendor offers. Model and vendor " +
			"have to be published before." + operatorHelp,
		Example: "  massrouter model offer example/large@example --upstream large-2026-01 --context 200000 --max-output 32000",
		RunE: func(c *cobra.Command, args []string) error {
			author, slug, vendor, err := parseEndpoint(args[0])
			if err != nil {
				return err
			}
			if err := readSpec(c, file, &spec); err != nil {
				return err
			}
			if file == "" {
				spec.Status, spec.Terms = status(disabled), unlessZero(terms.all())
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.PublishEndpointWithResponse(c.Context(), author, slug, vendor, &client.PublishEndpointParams{IdempotencyKey: &o.once}, spec)
			if err != nil {
				return o.lost(err)
			}
			return printReceipt(c, "published", args[0], r.JSON200, r.ApplicationProblemJSONDefault, r.Status())
		},
	}
	flags := c.Flags()
	flags.StringVar(&spec.UpstreamModel, "upstream", "", "the vendor's name for the model")
	flags.Int64Var(&spec.ContextLength, "context", 0, "tokens of prompt and completion together")
	flags.Int64Var(&spec.MaxCompletionTokens, "max-output", 0, "most tokens of a completion")
	flags.BoolVar(&disabled, "disabled", false, "publish it without using it")
	fileFlag(c, &file, append([]string{"upstream", "context", "max-output", "disabled"}, terms.flags(c)...)...)
	return o.flags(c, true)
}

// offerTerms are how a vendor runs a model, as flags.
type offerTerms struct {
	terms            catalog.Terms
	policy           catalog.DataPolicy
	keeps, keepsNone bool
}

// flags adds the flags and returns their names.
func (t *offerTerms) flags(c *cobra.Command) []string {
	flags := c.Flags()
	flags.StringVar(&t.terms.Quantization, "quantization", "", "of the weights: "+strings.Join(catalog.Quantizations(), ", "))
	flags.Int64Var(&t.terms.MaxPromptTokens, "max-prompt", 0, "most tokens of a prompt (default: as many as the context)")
	flags.StringSliceVar(&t.terms.SupportedParameters, "parameter", nil, "a request parameter that it knows; repeat it for more (default: those of the model)")
	flags.StringVar(&t.terms.Region, "region", "", "where the data stays: eu or us (default: anywhere)")
	flags.BoolVar(&t.terms.Moderated, "moderated", false, "prompts are moderated before the model gets them")
	flags.BoolVar(&t.policy.Training, "trains", false, "models are trained on what it is sent")
	flags.BoolVar(&t.keeps, "retains-prompts", false, "what it is sent is kept longer than the call")
	flags.Int64Var(&t.policy.RetentionDays, "retention-days", 0, "for how many days that is kept")
	flags.BoolVar(&t.keepsNone, "no-collection", false, "what it is sent is neither kept nor trained on")
	flags.BoolVar(&t.policy.ZDR, "zdr", false, "zero data retention is agreed upon")
	for _, other := range []string{"trains", "retains-prompts", "retention-days"} {
		c.MarkFlagsMutuallyExclusive("no-collection", other)
	}
	return []string{
		"quantization", "max-prompt", "parameter", "region", "moderated", "trains", "retains-prompts", "retention-days", "no-collection", "zdr",
	}
}

// all are the terms; without a word about data there is no policy, which is not the same as a good one.
func (t *offerTerms) all() catalog.Terms {
	all, policy := t.terms, t.policy
	policy.RetainsPrompts = t.keeps || policy.RetentionDays > 0
	if t.keepsNone || policy != (catalog.DataPolicy{}) {
		all.DataPolicy = &policy
	}
	return all
}
