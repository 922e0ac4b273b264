package catalog_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
	"github.com/massrouter/massrouter/domain/money"
	"github.com/massrouter/massrouter/domain/usage"
	"github.com/massrouter/massrouter/domain/wallet"
)

func TestC1_PublishingReplacesWhatWasThere(t *testing.T) {
	t.Parallel()
	v, m, e := publishedVendor(t), publishedModel(t), publishedEndpoint(t)
	otherVendor, otherModel, otherEndpoint := vendor(), model(), endpoint()
	otherVendor.Name, otherVendor.Status = "Acme Inc.", catalog.Disabled
	otherModel.Description, otherModel.SupportedParameters = "", nil
	otherEndpoint.UpstreamModel = "acme-chat-2027"

	vendorEvent, err := v.Publish(otherVendor)
	require.NoError(t, err)
	apply(t, v, &catalog.VendorState{}, vendorEvent)
	require.Equal(t, otherVendor, v.Vendor)
	modelEvent, err := m.Publish(otherModel)
	require.NoError(t, err)
	apply(t, m, &catalog.ModelState{}, modelEvent)
	require.Equal(t, otherModel, m.Model)
	endpointEvent, err := e.Publish(otherEndpoint, v, m)
	require.NoError(t, err)
	apply(t, e, &catalog.EndpointState{}, endpointEvent)
	require.Equal(t, otherEndpoint, e.Endpoint)

	otherVendor.ID, otherModel.ID = "other", "acme/other"
	_, err = v.Publish(otherVendor)
	requireCode(t, domain.CodeConflict, err)
	_, err = m.Publish(otherModel)
	requireCode(t, domain.CodeConflict, err)
}

// Lists stay lists in the event, however nothing is said.
func TestC1_ModalitiesMayBeUnknown(t *testing.T) {
	t.Parallel()
	for _, none := range [][]string{nil, {}} {
		m := model()
		m.InputModalities, m.OutputModalities = none, none
		state := publishedModel(t)
		event, err := state.Publish(m)
		require.NoError(t, err)
		apply(t, state, &catalog.ModelState{}, event)
		text, err := json.Marshal(event)
		require.NoError(t, err)
		require.Contains(t, string(text), `"input_modalities":[],"output_modalities":[]`)
	}
}

func TestC1_VendorRefusals(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*catalog.Vendor){
		"no id":               func(v *catalog.Vendor) { v.ID = "" },
		"id in upper case":    func(v *catalog.Vendor) { v.ID = "Acme" },
		"id with a slash":     func(v *catalog.Vendor) { v.ID = "acme/x" },
		"id of 51 bytes":      func(v *catalog.Vendor) { v.ID = strings.Repeat("a", 51) },
		"id with a newline":   func(v *catalog.Vendor) { v.ID = "acme\n" },
		"no name":             func(v *catalog.Vendor) { v.Name = "" },
		"name of 101 bytes":   func(v *catalog.Vendor) { v.Name = strings.Repeat("n", 101) },
		"no URL":              func(v *catalog.Vendor) { v.BaseURL = "" },
		"URL without a host":  func(v *catalog.Vendor) { v.BaseURL = "https://:443/v1" },
		"URL with a user":     func(v *catalog.Vendor) { v.BaseURL = "https://key@api.acme.example/v1" },
		"URL with a query":    func(v *catalog.Vendor) { v.BaseURL = "https://api.acme.example/v1?key=1" },
		"URL with a bare ?":   func(v *catalog.Vendor) { v.BaseURL = "https://api.acme.example/v1?" },
		"URL with a fragment": func(v *catalog.Vendor) { v.BaseURL = "https://api.acme.example/v1#x" },
		"file URL":            func(v *catalog.Vendor) { v.BaseURL = "file:///etc/passwd" },
		"opaque URL":          func(v *catalog.Vendor) { v.BaseURL = "https:api.acme.example" },
		"URL with a newline":  func(v *catalog.Vendor) { v.BaseURL = "https://api.acme.example/\nv1" },
		"long URL":            func(v *catalog.Vendor) { v.BaseURL = "https://api.acme.example/" + strings.Repeat("v", 500) },
		"unknown dialect":     func(v *catalog.Vendor) { v.Dialect = "smtp" },
		"unknown policy":      func(v *catalog.Vendor) { v.CancelPolicy = "" },
		"unknown field":       func(v *catalog.Vendor) { v.MaxTokensField = "tokens" },
		"unknown status":      func(v *catalog.Vendor) { v.Status = "paused" },
	} {
		v := vendor()
		change(&v)
		_, err := (&catalog.VendorState{}).Publish(v)
		requireCode(t, domain.CodeInvalid, err, name)
	}
}

func TestC1_ModelRefusals(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*catalog.Model){
		"no author":                func(m *catalog.Model) { m.ID = "chat" },
		"two slashes":              func(m *catalog.Model) { m.ID = "acme/chat/x" },
		"an endpoint's id":         func(m *catalog.Model) { m.ID = "acme/chat@acme" },
		"no name":                  func(m *catalog.Model) { m.Name = "" },
		"name with a newline":      func(m *catalog.Model) { m.Name = "a\nb" },
		"long description":         func(m *catalog.Model) { m.Description = strings.Repeat("d", 4001) },
		"description with a NUL":   func(m *catalog.Model) { m.Description = "a\x00" },
		"long tokenizer":           func(m *catalog.Model) { m.Tokenizer = strings.Repeat("t", 101) },
		"no context":               func(m *catalog.Model) { m.ContextLength = 0 },
		"absurd context":           func(m *catalog.Model) { m.ContextLength = 1<<32 + 1 },
		"no completion":            func(m *catalog.Model) { m.MaxCompletionTokens = 0 },
		"more completion than fit": func(m *catalog.Model) { m.MaxCompletionTokens = m.ContextLength + 1 },
		"too many modalities":      func(m *catalog.Model) { m.OutputModalities = words(21) },
		"modality twice":           func(m *catalog.Model) { m.InputModalities = []string{"text", "text"} },
		"modality in upper case":   func(m *catalog.Model) { m.InputModalities = []string{"Text"} },
		"too many parameters":      func(m *catalog.Model) { m.SupportedParameters = words(101) },
		"empty parameter":          func(m *catalog.Model) { m.SupportedParameters = []string{""} },
		"year 10000":               func(m *catalog.Model) { m.ReleasedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"unknown status":           func(m *catalog.Model) { m.Status = "" },
	} {
		m := model()
		change(&m)
		_, err := (&catalog.ModelState{}).Publish(m)
		requireCode(t, domain.CodeInvalid, err, name)
	}
}

func words(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("word-%d", i)
	}
	return out
}

func TestC2_AnEndpointNamesWhatIsPublished(t *testing.T) {
	t.Parallel()
	v, m := publishedVendor(t), publishedModel(t)
	for name, row := range map[string]struct {
		change func(*catalog.Endpoint)
		vendor *catalog.VendorState
		model  *catalog.ModelState
		code   domain.Code
	}{
		"as it is":                     {func(*catalog.Endpoint) {}, v, m, ""},
		"no vendor":                    {func(*catalog.Endpoint) {}, nil, m, domain.CodeVendorNotFound},
		"vendor not published":         {func(*catalog.Endpoint) {}, &catalog.VendorState{}, m, domain.CodeVendorNotFound},
		"another vendor":               {func(e *catalog.Endpoint) { e.Vendor, e.ID = "other", "acme/chat@other" }, v, m, domain.CodeVendorNotFound},
		"no model":                     {func(*catalog.Endpoint) {}, v, nil, domain.CodeModelNotFound},
		"model not published":          {func(*catalog.Endpoint) {}, v, &catalog.ModelState{}, domain.CodeModelNotFound},
		"another model":                {func(e *catalog.Endpoint) { e.Model, e.ID = "acme/other", "acme/other@acme" }, v, m, domain.CodeModelNotFound},
		"an id of its own":             {func(e *catalog.Endpoint) { e.ID = "acme/chat@other" }, v, m, domain.CodeInvalid},
		"no id":                        {func(e *catalog.Endpoint) { e.ID, e.Model, e.Vendor = "@", "", "" }, v, m, domain.CodeInvalid},
		"no upstream model":            {func(e *catalog.Endpoint) { e.UpstreamModel = "" }, v, m, domain.CodeInvalid},
		"upstream with control":        {func(e *catalog.Endpoint) { e.UpstreamModel = "a\r\nb" }, v, m, domain.CodeInvalid},
		"no context":                   {func(e *catalog.Endpoint) { e.ContextLength = -1 }, v, m, domain.CodeInvalid},
		"more completion than context": {func(e *catalog.Endpoint) { e.MaxCompletionTokens = 1 << 31 }, v, m, domain.CodeInvalid},
		"unknown status":               {func(e *catalog.Endpoint) { e.Status = "on" }, v, m, domain.CodeInvalid},
	} {
		e := endpoint()
		row.change(&e)
		_, err := (&catalog.EndpointState{}).Publish(e, row.vendor, row.model)
		requireCode(t, row.code, err, name)
	}
}

func TestC2_AnEndpointKeepsItsModelAndVendor(t *testing.T) {
	t.Parallel()
	s := publishedEndpoint(t)
	other := endpoint()
	other.Vendor, other.ID = "other", "acme/chat@other"
	_, err := s.Publish(other, &catalog.VendorState{Published: true, Vendor: catalog.Vendor{ID: "other"}}, publishedModel(t))
	requireCode(t, domain.CodeConflict, err)
}

func TestC3_APriceVersionIsImmutable(t *testing.T) {
	t.Parallel()
	v := version(1, start, "0.00001")
	v.Price.Overrides = []catalog.Override{{MinPromptTokens: 10, Rates: catalog.Rates{usage.Input: money.MustPrice("0.5")}}}
	v.Cost = &catalog.Schedule{Base: catalog.Rates{usage.Input: money.MustPrice("0.1"), usage.Output: money.MustPrice("0.1")}}
	s := publishedEndpoint(t)
	e, err := s.PublishPrice(v, start)
	require.NoError(t, err)
	s.Apply(e, start)
	v.Price.Base[usage.Output] = money.MustPrice("9")
	v.Price.Overrides[0].Rates[usage.Input] = money.MustPrice("9")
	v.Price.Overrides[0].MinPromptTokens = 99
	v.Cost.Base[usage.Input] = money.MustPrice("9")
	stored, err := s.Price(versionID(1))
	require.NoError(t, err)
	require.Equal(t, "0.00001", stored.Price.Base[usage.Output].String())
	require.Equal(t, "0.5", stored.Price.Overrides[0].Rates[usage.Input].String())
	require.Equal(t, int64(10), stored.Price.Overrides[0].MinPromptTokens)
	require.Equal(t, "0.1", stored.CostSchedule().Base[usage.Input].String())

	_, err = s.PublishPrice(version(1, start.Add(time.Hour), "0.2"), start)
	requireCode(t, domain.CodePriceConflict, err)
	_, err = s.PublishPrice(version(0, start, "0.2"), start)
	requireCode(t, domain.CodeInvalid, err, "no id")
	_, err = (&catalog.EndpointState{}).PublishPrice(version(2, start, "0.2"), start)
	requireCode(t, domain.CodeEndpointNotFound, err)
}

func TestC4_APriceTakesEffectNowOrLater(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		from, want time.Time
		code       domain.Code
	}{
		"not said":                       {time.Time{}, start, ""},
		"now":                            {start, start, ""},
		"now elsewhere":                  {start.In(time.FixedZone("", 3600)), start, ""},
		"later":                          {start.Add(time.Hour), start.Add(time.Hour), ""},
		"later by less than is kept":     {start.Add(1500 * time.Nanosecond), start.Add(time.Microsecond), ""},
		"a microsecond ago":              {start.Add(-time.Microsecond), time.Time{}, domain.CodeInvalid},
		"last year":                      {start.AddDate(-1, 0, 0), time.Time{}, domain.CodeInvalid},
		"in eleven years":                {start.AddDate(11, 0, 0), time.Time{}, domain.CodeInvalid},
		"in a year that JSON cannot say": {time.Date(20260, 1, 1, 0, 0, 0, 0, time.UTC), time.Time{}, domain.CodeInvalid},
	} {
		e, err := publishedEndpoint(t).PublishPrice(version(1, row.from, "0.2"), start)
		requireCode(t, row.code, err, name)
		require.Equal(t, row.want, e.EffectiveFrom, name)
	}
}

func TestC5_TheLatestThatHasTakenEffect(t *testing.T) {
	t.Parallel()
	s := priced(t,
		version(1, start.Add(1*time.Hour), "1"),
		version(2, start.Add(3*time.Hour), "2"),
		version(3, start.Add(2*time.Hour), "3"), // published later, takes effect earlier
		version(4, start.Add(3*time.Hour), "4"), // the same moment as 2, published later
	)
	for _, row := range []struct {
		at   time.Duration
		want byte
	}{
		{time.Hour - time.Microsecond, 0},
		{time.Hour, 1},
		{2*time.Hour - time.Microsecond, 1},
		{2 * time.Hour, 3},
		{3*time.Hour - time.Microsecond, 3},
		{3 * time.Hour, 4},
		{1000 * time.Hour, 4},
	} {
		v, err := s.PriceInForce("", start.Add(row.at))
		if row.want == 0 {
			requireCode(t, domain.CodePriceNotInForce, err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, versionID(row.want), v.ID, row.at)
	}
}

func TestC6_WithoutAPriceNothingIsCalled(t *testing.T) {
	t.Parallel()
	_, err := publishedEndpoint(t).PriceInForce("", start)
	requireCode(t, domain.CodePriceNotInForce, err)
	unpublished := &catalog.EndpointState{Prices: []catalog.PriceVersion{version(1, start, "1")}}
	_, err = unpublished.PriceInForce("", start)
	requireCode(t, domain.CodePriceNotInForce, err)
}

func TestC7_ACallIsChargedAtTheVersionItsHoldPinned(t *testing.T) {
	t.Parallel()
	s := priced(t, version(1, start, "0.00001"))
	pinned, err := s.PriceInForce("", start)
	require.NoError(t, err)
	e, err := s.PublishPrice(version(2, start, "0.5"), start)
	require.NoError(t, err)
	apply(t, s, &catalog.EndpointState{}, e)
	again, err := s.Price(pinned.ID)
	require.NoError(t, err)
	items := again.Price.LineItems(usage.Usage{usage.Output: 100}, start)
	require.Equal(t, "0.001", usage.Total(items).String())
	_, err = s.Price(uuid.New())
	requireCode(t, domain.CodePriceNotFound, err)
}

func TestApplyIgnoresOtherAggregates(t *testing.T) {
	t.Parallel()
	v, m, e := publishedVendor(t), publishedModel(t), priced(t, version(1, start, "1"))
	for _, s := range []domain.Aggregate{v, m, e} {
		for _, other := range []domain.Event{
			wallet.Opened{}, catalog.VendorPublished{Vendor: catalog.Vendor{ID: "x"}}, catalog.ModelPublished{Model: catalog.Model{ID: "x"}},
		} {
			s.Apply(other, start)
		}
	}
	require.Equal(t, "x", v.Vendor.ID)
	require.Equal(t, "x", m.Model.ID)
	require.Equal(t, endpoint(), e.Endpoint)
	require.Len(t, e.Prices, 1)
}

func TestStreamsFit(t *testing.T) {
	t.Parallel()
	author, slug := strings.Repeat("a", 50), strings.Repeat("s", 80)
	require.NoError(t, catalog.CheckModelID(author+"/"+slug))
	requireCode(t, domain.CodeInvalid, catalog.CheckModelID(author+"/"+slug+"s"))
	longest := catalog.EndpointStream(author + "/" + slug + "@" + author)
	require.LessOrEqual(t, len(longest), domain.MaxStreamID)
	require.Equal(t, "endpoint", longest.Kind())
	require.Equal(t, "model-acme/chat", string(catalog.ModelStream("acme/chat")))
	require.Equal(t, "vendor-acme", string(catalog.VendorStream("acme")))
}
