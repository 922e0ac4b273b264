package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/output"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/http/openapi/client"
)

func newPriceCommand(sh shell) *cobra.Command {
	return group("price", "Publish prices",
		"Publishes prices of endpoints. A price version is immutable; calls are charged at the version that was in force when they "+
			"were admitted."+operatorHelp,
		newPricePublishCommand(sh))
}

const priceLong = `Adds a price version to an endpoint, in force from now on or from a later moment. With --group it is the price of the
wallets in that price group only; all others pay the list's.

Rates are money for one unit of a class: input, cache_read, cache_write, cache_write_1h, audio_input, audio_cache_read, image_input,
output, reasoning, audio_output, image_output (tokens), image (generated), second (of sound heard), character (spoken), search and
request (a call). input and output are needed; a class of tokens without a rate takes its parent's. With --per-million, token rates
are given for a million tokens, as price lists do. --cost says what the vendor bills, if that is another price.

Prices with overrides (long prompts, hours of the day, service tiers) are read from a file:

  currency: USD
  price:
    base: {input: "0.000003", cache_read: "0.0000003", output: "0.000015"}
    overrides:
      - min_prompt_tokens: 200000
        rates: {input: "0.000006", output: "0.0000225"}
      - service_tier: flex
        rates: {input: "0.0000015", output: "0.0000075"}`

// priceFlags are what 'price publish' can be told.
type priceFlags struct {
	file, currency, from, group string
	rates, costs                []string
	perMillion                  bool
}

func newPricePublishCommand(sh shell) *cobra.Command {
	var o operator
	var f priceFlags
	c := &cobra.Command{
		Use: "publish AUTHOR/SLUG@VENDOR", Short: "Add a price version to an endpoint", Args: exactly(1), Long: priceLong + operatorHelp,
		Example: "  massrouter price publish example/large@example --per-million --rate input=3 --rate cache_read=0.3 --rate output=15\n" +
			"  massrouter price publish example/large@example --file price.yaml",
		RunE: func(c *cobra.Command, args []string) error {
			author, slug, vendor, err := parseEndpoint(args[0])
			if err != nil {
				return err
			}
			spec, err := f.spec(c)
			if err != nil {
				return err
			}
			api, err := o.client(c, sh)
			if err != nil {
				return err
			}
			r, err := api.PublishPriceWithResponse(c.Context(), author, slug, vendor, &client.PublishPriceParams{IdempotencyKey: &o.once}, spec)
			if err != nil {
				return o.lost(err)
			}
			accepted, err := answer(r.JSON201, r.ApplicationProblemJSONDefault, r.Status())
			if err != nil {
				return err
			}
			return printer(c).Value(accepted, func(w io.Writer) {
				output.Fields(w, "endpoint", accepted.Endpoint, "price version", accepted.PriceVersion.String(),
					"in force from", output.Time(accepted.EffectiveFrom), "position", accepted.Position.String())
			})
		},
	}
	flags := c.Flags()
	flags.StringArrayVar(&f.rates, "rate", nil, "CLASS=MONEY; repeat it for more")
	flags.StringArrayVar(&f.costs, "cost", nil, "CLASS=MONEY that the vendor bills; repeat it for more")
	flags.BoolVar(&f.perMillion, "per-million", false, "rates of tokens are for a million")
	flags.StringVar(&f.currency, "currency", string(money.USD), "three letters")
	flags.StringVar(&f.group, "group", "", "whose price it is (default: everybody's, the list's)")
	flags.StringVar(&f.from, "from", "", "when it takes effect, for example 2030-01-01T00:00:00Z (default: now)")
	fileFlag(c, &f.file, "rate", "cost", "per-million", "currency", "from", "group")
	return o.flags(c, true)
}

func (f priceFlags) spec(c *cobra.Command) (client.PriceSpec, error) {
	var spec client.PriceSpec
	if f.file != "" {
		return spec, readSpec(c, f.file, &spec)
	}
	if len(f.rates) == 0 {
		return spec, usagef("give --rate or --file")
	}
	base, err := f.parse(f.rates)
	if err != nil {
		return spec, err
	}
	spec.Currency, spec.Price = money.Currency(f.currency), catalog.Schedule{Base: base}
	if len(f.costs) > 0 {
		cost, err := f.parse(f.costs)
		if err != nil {
			return spec, err
		}
		spec.Cost = &catalog.Schedule{Base: cost}
	}
	spec.PriceGroup = pointer(f.group)
	spec.EffectiveFrom, err = parseTime("--from", f.from)
	return spec, err
}

func (f priceFlags) parse(pairs []string) (catalog.Rates, error) {
	rates := catalog.Rates{}
	for _, pair := range pairs {
		name, text, ok := strings.Cut(pair, "=")
		class := usage.Class(name)
		if _, twice := rates[class]; !ok || !class.Known() || twice {
			return nil, usagef("%q is no CLASS=MONEY, each class once; the classes are %v", pair, usage.Classes())
		}
		price, err := money.ParsePrice(text)
		if err == nil && f.perMillion && class.Side() != usage.Neither {
			price, err = perUnit(text)
		}
		if err != nil {
			return nil, usagef("%s: %w", pair, err)
		}
		rates[class] = price
	}
	return rates, nil
}

// perUnit is the price of one unit from that of a million, exactly.
func perUnit(text string) (money.Price, error) {
	million, err := money.Parse(text)
	if err != nil {
		return money.Price{}, err
	}
	one, err := money.Percent(million, money.MustPrice("0.0001"))
	if err != nil {
		return money.Price{}, err
	}
	price, err := money.ParsePrice(one.String())
	if err == nil && !price.Times(1_000_000).Equal(million) {
		err = usagef("it has more than six decimals, so a unit's price would have more than twelve")
	}
	return price, err
}
