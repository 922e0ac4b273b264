package catalogimport_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/catalogimport"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
)

// ledger is a catalogue that obeys the domain's rules and remembers commands, as the service does.
type ledger struct {
	mu       sync.Mutex
	now      time.Time
	position int64
	keys     map[string]int64
	have     catalogimport.Catalogue
	failAt   int64 // the position whose answer is lost; 0: none
}

func newLedger() *ledger {
	return &ledger{now: now, keys: map[string]int64{}, have: catalogimport.Catalogue{
		Vendors: map[string]catalog.Vendor{}, Models: map[string]catalog.Model{}, Endpoints: map[string]catalog.Endpoint{},
		Prices: map[string][]catalog.PriceVersion{},
	}}
}

var errLost = errors.New("the answer was lost")

func (l *ledger) Publish(_ context.Context, key string, s catalogimport.Step) (catalogimport.Receipt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, ok := l.keys[key]; ok {
		return catalogimport.Receipt{Position: at, Replayed: true}, nil
	}
	var err error
	switch {
	case s.Vendor != nil:
		_, err = (&catalog.VendorState{}).Publish(*s.Vendor)
		l.have.Vendors[s.ID] = *s.Vendor
	case s.Model != nil:
		_, err = (&catalog.ModelState{}).Publish(*s.Model)
		l.have.Models[s.ID] = *s.Model
	case s.Endpoint != nil:
		v, ok1 := l.have.Vendors[s.Endpoint.Vendor]
		m, ok2 := l.have.Models[s.Endpoint.Model]
		_, err = (&catalog.EndpointState{}).Publish(*s.Endpoint, &catalog.VendorState{Published: ok1, Vendor: v}, &catalog.ModelState{Published: ok2, Model: m})
		l.have.Endpoints[s.ID] = *s.Endpoint
	case s.Price != nil:
		e, ok := l.have.Endpoints[s.ID]
		v := *s.Price
		v.ID = uuid.New()
		var published catalog.PricePublished
		published, err = (&catalog.EndpointState{Published: ok, Endpoint: e, Prices: l.have.Prices[s.ID]}).PublishPrice(v, l.now)
		l.have.Prices[s.ID] = append(l.have.Prices[s.ID], published.PriceVersion)
	}
	if err != nil {
		return catalogimport.Receipt{}, err
	}
	l.position++
	l.keys[key], l.have.Position, l.have.AsOf = l.position, l.position, l.now
	if l.position == l.failAt {
		return catalogimport.Receipt{}, errLost
	}
	return catalogimport.Receipt{Position: l.position}, nil
}

// apply plans and publishes, and returns how many commands there were.
func (l *ledger) apply(t require.TestingT, list catalogimport.List, o catalogimport.Options) (int, error) {
	o.Now = l.now
	plan, err := catalogimport.NewPlan(list, l.have, o)
	require.NoError(t, err)
	done := 0
	_, err = catalogimport.Apply(context.Background(), l, plan.Steps, l.have.Position, 4, func(n int) { done = n })
	if err == nil {
		require.Equal(t, len(plan.Steps), done)
	}
	return done, err
}

func read(t require.TestingT, raw []byte) catalogimport.List {
	list, err := catalogimport.ReadGenAIPrices(raw, catalogimport.ReadOptions{ContextLength: 1000})
	require.NoError(t, err)
	return list
}

var anywhere = catalogimport.Options{AllTo: "https://vendors.example/v1"}

func TestImportThatIsCutOffContinues(t *testing.T) {
	t.Parallel()
	list := read(t, realList(t))
	for _, at := range []int64{1, 20, 700, 2000} {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			l := newLedger()
			l.failAt = at
			_, err := l.apply(t, list, anywhere)
			require.ErrorIs(t, err, errLost)
			l.failAt = 0
			_, err = l.apply(t, list, anywhere)
			require.NoError(t, err)
			whole := newLedger()
			n, err := whole.apply(t, list, anywhere)
			require.NoError(t, err)
			require.EqualValues(t, n, l.position, "nothing happened twice")
			require.Equal(t, whole.have.Endpoints, l.have.Endpoints)
			for id, versions := range whole.have.Prices {
				require.Len(t, l.have.Prices[id], len(versions), id)
			}
		})
	}
}

// Somebody who does not see yet what a cut off import did sends the same commands, and they happen once.
func TestRepeatFromAnOldPictureHappensOnce(t *testing.T) {
	t.Parallel()
	list, l := read(t, realList(t)), newLedger()
	plan, err := catalogimport.NewPlan(list, l.have, catalogimport.Options{Now: now, AllTo: "https://x.example"})
	require.NoError(t, err)
	for range 2 {
		_, err = catalogimport.Apply(t.Context(), l, plan.Steps, 0, 8, func(int) {})
		require.NoError(t, err)
		require.EqualValues(t, len(plan.Steps), l.position)
	}
}

// Lists that come one after another, in any order and with any repeats, each leave the prices that they say, and an import of
// the same list again does nothing.
func TestAnySequenceOfListsConverges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newLedger()
		texts := []string{genConditional(t), genConditional(t), genConditional(t)}
		for range rapid.IntRange(1, 6).Draw(t, "imports") {
			l.now = l.now.Add(time.Duration(rapid.IntRange(1, 40*3600).Draw(t, "seconds")) * time.Second)
			text := rapid.SampledFrom(texts).Draw(t, "list")
			list := read(t, genaiModel(`"prices":`+text))
			_, err := l.apply(t, list, anywhere)
			require.NoError(t, err)
			again, err := l.apply(t, list, anywhere)
			require.NoError(t, err)
			require.Zero(t, again)
			for range 10 {
				when := l.now.Add(time.Duration(rapid.IntRange(0, 200*3600).Draw(t, "ahead")) * time.Second)
				u := usage.Usage{usage.Input: 7, usage.CacheRead: 6, usage.CacheWrite: 5, usage.Output: 3, usage.Request: 1}
				price, ok := catalog.InForce(l.have.Prices["acme/m@acme"], when)
				require.True(t, ok)
				charge := usage.Total(price.Price.LineItems(u, when))
				require.Equal(t, listCost(t, text, u, when).FloatString(12), fixed(t, charge))
			}
		}
	})
}

func fixed(t require.TestingT, a money.Amount) string {
	r, ok := newRat(a.String())
	require.True(t, ok)
	return r.FloatString(12)
}

func TestPlanKeepsWhatTheListDoesNotSay(t *testing.T) {
	t.Parallel()
	l := newLedger()
	list := read(t, genaiModel(`"context_window":2000`))
	_, err := l.apply(t, list, anywhere)
	require.NoError(t, err)
	v, m, e := l.have.Vendors["acme"], l.have.Models["acme/m"], l.have.Endpoints["acme/m@acme"]
	require.Equal(t, catalog.Vendor{
		ID: "acme", Name: "Acme", BaseURL: "https://vendors.example/v1", Dialect: "openai", CancelPolicy: catalog.Drain,
		MaxTokensField: "max_tokens", Status: catalog.Active,
	}, v)
	require.EqualValues(t, 2000, e.MaxCompletionTokens, "no cap but the context")

	v.Status, v.MaxTokensField, v.CancelPolicy = catalog.Disabled, "max_completion_tokens", catalog.Cancel
	m.Status, m.Tokenizer, m.Description, m.SupportedParameters = catalog.Disabled, "o200k_base", "By hand.", []string{"tools"}
	m.InputModalities, m.ReleasedAt = []string{"text", "image"}, now
	e.Status, e.MaxCompletionTokens = catalog.Disabled, 500
	m.MaxCompletionTokens = 500
	l.have.Vendors["acme"], l.have.Models["acme/m"], l.have.Endpoints["acme/m@acme"] = v, m, e
	n, err := l.apply(t, list, catalogimport.Options{})
	require.NoError(t, err)
	require.Zero(t, n)
	_, err = l.apply(t, read(t, genaiModel(`"context_window":3000,"name":"Em"`)), catalogimport.Options{})
	require.NoError(t, err)
	e.ContextLength, m.ContextLength, m.Name = 3000, 3000, "Em"
	require.Equal(t, e, l.have.Endpoints["acme/m@acme"])
	require.Equal(t, m, l.have.Models["acme/m"])
}

// A list must not cut a model that another vendor, whom it does not know, offers with more context.
func TestPlanKeepsTheContextOfOthers(t *testing.T) {
	t.Parallel()
	l := newLedger()
	_, err := l.apply(t, read(t, genaiModel(``)), anywhere)
	require.NoError(t, err)
	l.have.Endpoints["acme/m@other"] = catalog.Endpoint{ID: "acme/m@other", Model: "acme/m", Vendor: "other", ContextLength: 5000, MaxCompletionTokens: 4000}
	_, err = l.apply(t, read(t, genaiModel(``)), anywhere)
	require.NoError(t, err)
	require.EqualValues(t, 5000, l.have.Models["acme/m"].ContextLength)
	require.EqualValues(t, 1000, l.have.Endpoints["acme/m@acme"].ContextLength)
}

func TestPlanRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fields string
		o      catalogimport.Options
		reason catalogimport.Reason
	}{
		"no base URL":       {``, catalogimport.Options{}, catalogimport.ReasonNoBaseURL},
		"base URL with key": {``, catalogimport.Options{BaseURLs: map[string]string{"acme": "https://k@x.example"}}, catalogimport.ReasonCatalogRefuse},
		"long name":         {`"name":"` + string(make([]byte, 0)) + fmt.Sprintf("%0101d", 7) + `"`, anywhere, catalogimport.ReasonCatalogRefuse},
		"control character": {`"description":"a\u0007"`, anywhere, catalogimport.ReasonCatalogRefuse},
		"negative context":  {`"context_window":-5`, anywhere, catalogimport.ReasonCatalogRefuse},
		"absurd context":    {`"context_window":99999999999999`, anywhere, catalogimport.ReasonCatalogRefuse},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, o := newLedger(), c.o
			o.Now = now
			plan, err := catalogimport.NewPlan(read(t, genaiModel(c.fields)), l.have, o)
			require.NoError(t, err)
			require.Equal(t, map[catalogimport.Reason]int{c.reason: 1}, reasons(plan.Refused))
			for _, s := range plan.Steps {
				require.Equal(t, catalogimport.KindVendor, s.Kind)
			}
		})
	}
}

func TestPlanOfSomeVendors(t *testing.T) {
	t.Parallel()
	list := read(t, realList(t))
	l := newLedger()
	only := anywhere
	only.Only, only.MaxOutput = []string{"deepseek", "huggingface_groq"}, 100
	_, err := l.apply(t, list, only)
	require.NoError(t, err)
	require.Len(t, l.have.Vendors, 2)
	require.Len(t, l.have.Endpoints, 7+5)
	for id, e := range l.have.Endpoints {
		require.EqualValues(t, 100, e.MaxCompletionTokens, id)
	}
	n, err := l.apply(t, list, only)
	require.NoError(t, err)
	require.Zero(t, n)
	delete(l.have.Endpoints, "deepseek/deepseek-chat@deepseek")
	l.have.Endpoints["deepseek/gone@deepseek"] = catalog.Endpoint{ID: "deepseek/gone@deepseek", Model: "deepseek/gone", Vendor: "deepseek"}
	l.have.Endpoints["x/y@openai"] = catalog.Endpoint{ID: "x/y@openai", Model: "x/y", Vendor: "openai"}
	only.Now = now
	plan, err := catalogimport.NewPlan(list, l.have, only)
	require.NoError(t, err)
	require.Equal(t, []string{"deepseek/gone@deepseek"}, plan.Absent, "of the vendors that are imported")
	require.Len(t, plan.Steps, 1)
	require.True(t, plan.Steps[0].New)
	for _, r := range plan.Refused {
		require.Contains(t, r.Subject, "deepseek")
	}
	_, err = catalogimport.NewPlan(list, l.have, catalogimport.Options{Now: now, From: now.Add(-time.Hour)})
	require.Error(t, err)
}

func TestPriceOfAnOperatorIsLeftAlone(t *testing.T) {
	t.Parallel()
	list := read(t, genaiModel(``))
	for name, change := range map[string]func(*catalog.PriceVersion){
		"apart from the cost": func(v *catalog.PriceVersion) {
			v.Cost = &catalog.Schedule{Base: catalog.Rates{usage.Input: money.MustPrice("1"), usage.Output: money.MustPrice("1")}}
		},
		"in another currency": func(v *catalog.PriceVersion) { v.Currency = "EUR" },
		"that will be apart from the cost": func(v *catalog.PriceVersion) {
			v.EffectiveFrom = now.Add(time.Hour)
			v.Cost = &catalog.Schedule{Base: catalog.Rates{usage.Input: money.MustPrice("1"), usage.Output: money.MustPrice("1")}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger()
			_, err := l.apply(t, list, anywhere)
			require.NoError(t, err)
			v := catalog.PriceVersion{ID: uuid.New(), Currency: money.USD, EffectiveFrom: now, Price: catalog.Schedule{
				Base: catalog.Rates{usage.Input: money.MustPrice("2"), usage.Output: money.MustPrice("2")},
			}}
			change(&v)
			l.have.Prices["acme/m@acme"] = append(l.have.Prices["acme/m@acme"], v)
			plan, err := catalogimport.NewPlan(read(t, genaiModel(prices(`{"input_mtok":7,"output_mtok":7}`))), l.have, catalogimport.Options{Now: now})
			require.NoError(t, err)
			require.Empty(t, plan.Steps)
			require.Len(t, plan.OwnPrices, 1)
		})
	}
}

// A vendor that moves back and forth makes the same change again and again: each time it is a command of its own.
func TestTheSameChangeAgainIsAnotherCommand(t *testing.T) {
	t.Parallel()
	l, list := newLedger(), read(t, genaiModel(``))
	_, err := l.apply(t, list, anywhere)
	require.NoError(t, err)
	for i := range 6 {
		base := fmt.Sprintf("https://x%d.example/v1", i%2)
		n, err := l.apply(t, list, catalogimport.Options{BaseURLs: map[string]string{"acme": base}})
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, base, l.have.Vendors["acme"].BaseURL)
	}
	require.EqualValues(t, 4+6, l.position)
}

// A publisher that always says that it did it before is not asked for ever.
func TestEndlessRepeatsEnd(t *testing.T) {
	t.Parallel()
	plan, err := catalogimport.NewPlan(read(t, genaiModel(``)), catalogimport.Catalogue{}, catalogimport.Options{Now: now, AllTo: "https://x.example"})
	require.NoError(t, err)
	_, err = catalogimport.Apply(t.Context(), stuck{}, plan.Steps, 5, 1, func(int) {})
	require.ErrorContains(t, err, "publish the vendor acme")
}

type stuck struct{}

func (stuck) Publish(context.Context, string, catalogimport.Step) (catalogimport.Receipt, error) {
	return catalogimport.Receipt{Position: 5, Replayed: true}, nil
}
