package catalog_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/domain/catalog"
)

func TestC1_FactsOfAModel(t *testing.T) {
	t.Parallel()
	m := model()
	m.Facts = catalog.Facts{
		CanonicalSlug: "acme/chat-2026-03", HuggingFaceID: "acme/Chat-7B", InstructType: "chatml", KnowledgeCutoff: "2025-10-01",
		ExpirationDate: "2028-02-29", Categories: []string{"programming", "marketing/seo"}, Voices: []string{"Ada"}, Distillable: true,
		DefaultParameters: catalog.Parameters{"temperature": "0.70", "top_k": "4e1"},
	}
	e, err := (&catalog.ModelState{}).Publish(m)
	require.NoError(t, err)
	body, err := json.Marshal(e)
	require.NoError(t, err)
	require.Contains(t, string(body), `"default_parameters":{"temperature":0.7,"top_k":40}`)
	m.Facts.Categories[0], m.Facts.DefaultParameters["temperature"] = "changed", "9"
	require.Equal(t, "programming", e.Facts.Categories[0], "the event shares nothing with the caller")
	require.Equal(t, catalog.Number("0.7"), e.Facts.DefaultParameters["temperature"])
	var back catalog.ModelPublished
	require.NoError(t, json.Unmarshal(body, &back))
	require.Equal(t, e.Facts, back.Facts)

	for name, change := range map[string]func(*catalog.Facts){
		"slug":                    func(f *catalog.Facts) { f.CanonicalSlug = "chat" },
		"hugging face":            func(f *catalog.Facts) { f.HuggingFaceID = "https://hugging.example/acme" },
		"long hugging face":       func(f *catalog.Facts) { f.HuggingFaceID = "a/" + strings.Repeat("b", 200) },
		"instruct type":           func(f *catalog.Facts) { f.InstructType = "<b>" },
		"cutoff":                  func(f *catalog.Facts) { f.KnowledgeCutoff = "2025-02-30" },
		"expiration":              func(f *catalog.Facts) { f.ExpirationDate = "soon" },
		"category":                func(f *catalog.Facts) { f.Categories = []string{"a/b/c"} },
		"category twice":          func(f *catalog.Facts) { f.Categories = []string{"a", "a"} },
		"too many categories":     func(f *catalog.Facts) { f.Categories = words(21) },
		"voice":                   func(f *catalog.Facts) { f.Voices = []string{""} },
		"unknown parameter":       func(f *catalog.Facts) { f.DefaultParameters = catalog.Parameters{"seed": "1"} },
		"no number":               func(f *catalog.Facts) { f.DefaultParameters = catalog.Parameters{"top_p": "x"} },
		"huge exponent":           func(f *catalog.Facts) { f.DefaultParameters = catalog.Parameters{"top_p": "1e999999999"} },
		"tiny exponent":           func(f *catalog.Facts) { f.DefaultParameters = catalog.Parameters{"top_p": "1e-13"} },
		"large":                   func(f *catalog.Facts) { f.DefaultParameters = catalog.Parameters{"temperature": "1000001"} },
		"part of a token's place": func(f *catalog.Facts) { f.DefaultParameters = catalog.Parameters{"top_k": "1.5"} },
	} {
		m := model()
		change(&m.Facts)
		_, err := (&catalog.ModelState{}).Publish(m)
		requireCode(t, domain.CodeInvalid, err, name)
	}
	for _, text := range []string{`"1"`, `true`, `{}`, `123456789012345678901234567890123`} {
		require.Error(t, json.Unmarshal([]byte(`{"top_p":`+text+`}`), &catalog.Parameters{}), text)
	}
}

func TestC1_ProfileOfAVendor(t *testing.T) {
	t.Parallel()
	v := vendor()
	v.Profile = &catalog.Profile{
		Headquarters: "US", Datacenters: []string{"US", "IE"}, PrivacyPolicyURL: "https://acme.example/privacy",
		TermsOfServiceURL: "https://acme.example/terms?v=2", StatusPageURL: "https://status.acme.example",
	}
	e, err := (&catalog.VendorState{}).Publish(v)
	require.NoError(t, err)
	v.Profile.Datacenters[0] = "DE"
	require.Equal(t, []string{"US", "IE"}, e.Profile.Datacenters)
	for name, change := range map[string]func(*catalog.Profile){
		"country":              func(p *catalog.Profile) { p.Headquarters = "USA" },
		"country in lower":     func(p *catalog.Profile) { p.Headquarters = "us" },
		"unassigned country":   func(p *catalog.Profile) { p.Headquarters = "ZZ" },
		"part of two":          func(p *catalog.Profile) { p.Headquarters = "D " },
		"data centre":          func(p *catalog.Profile) { p.Datacenters = []string{"US", "XX"} },
		"data centre twice":    func(p *catalog.Profile) { p.Datacenters = []string{"US", "US"} },
		"script for an URL":    func(p *catalog.Profile) { p.PrivacyPolicyURL = "javascript:alert(1)" },
		"plain http":           func(p *catalog.Profile) { p.StatusPageURL = "http://acme.example" },
		"a user in the URL":    func(p *catalog.Profile) { p.TermsOfServiceURL = "https://u:p@acme.example" },
		"an URL without end":   func(p *catalog.Profile) { p.TermsOfServiceURL = "https://acme.example/" + strings.Repeat("a", 500) },
		"an URL without host":  func(p *catalog.Profile) { p.TermsOfServiceURL = "https:///terms" },
		"a relative reference": func(p *catalog.Profile) { p.TermsOfServiceURL = "/terms" },
	} {
		v := vendor()
		v.Profile = &catalog.Profile{}
		change(v.Profile)
		_, err := (&catalog.VendorState{}).Publish(v)
		requireCode(t, domain.CodeInvalid, err, name)
	}
}

func TestC1_TermsOfAnEndpoint(t *testing.T) {
	t.Parallel()
	v, m := publishedVendor(t), publishedModel(t)
	e := endpoint()
	e.Terms = catalog.Terms{
		Quantization: "fp8", MaxPromptTokens: e.ContextLength, SupportedParameters: []string{"tools"}, Region: "eu", Moderated: true,
		DataPolicy: &catalog.DataPolicy{RetainsPrompts: true, RetentionDays: 30},
	}
	published, err := (&catalog.EndpointState{}).Publish(e, v, m)
	require.NoError(t, err)
	e.Terms.DataPolicy.RetentionDays = 1
	require.Equal(t, int64(30), published.Terms.DataPolicy.RetentionDays)
	require.Equal(t, []string{"tools"}, published.Parameters(&m.Model))
	require.Equal(t, []string{"tools", "top_p"}, (&catalog.Endpoint{}).Parameters(&m.Model))
	for name, change := range map[string]func(*catalog.Terms){
		"quantization":         func(t *catalog.Terms) { t.Quantization = "fp7" },
		"region":               func(t *catalog.Terms) { t.Region = "mars" },
		"negative prompt":      func(t *catalog.Terms) { t.MaxPromptTokens = -1 },
		"prompt above context": func(t *catalog.Terms) { t.MaxPromptTokens = 128_001 },
		"parameter":            func(t *catalog.Terms) { t.SupportedParameters = []string{"Tools"} },
		"parameters":           func(t *catalog.Terms) { t.SupportedParameters = words(101) },
		"days of nothing":      func(t *catalog.Terms) { t.DataPolicy = &catalog.DataPolicy{RetentionDays: 1} },
		"negative days":        func(t *catalog.Terms) { t.DataPolicy = &catalog.DataPolicy{RetainsPrompts: true, RetentionDays: -1} },
		"a thousand years": func(t *catalog.Terms) {
			t.DataPolicy = &catalog.DataPolicy{RetainsPrompts: true, RetentionDays: 365_000}
		},
		"zdr that retains": func(t *catalog.Terms) { t.DataPolicy = &catalog.DataPolicy{RetainsPrompts: true, ZDR: true} },
		"zdr that trains":  func(t *catalog.Terms) { t.DataPolicy = &catalog.DataPolicy{Training: true, ZDR: true} },
	} {
		e := endpoint()
		change(&e.Terms)
		_, err := (&catalog.EndpointState{}).Publish(e, v, m)
		requireCode(t, domain.CodeInvalid, err, name)
	}
	for policy, want := range map[*catalog.DataPolicy][2]bool{
		nil: {true, false}, {}: {false, false}, {Training: true}: {true, false}, {RetainsPrompts: true}: {true, false}, {ZDR: true}: {false, true},
	} {
		terms := catalog.Terms{DataPolicy: policy}
		require.Equal(t, want, [2]bool{terms.Collects(), terms.ZeroRetention()}, "%+v", policy)
	}
}
