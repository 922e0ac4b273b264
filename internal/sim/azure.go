package sim

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// azure is Azure OpenAI's chat completions. deployment is what the address names: the model, in the form with a version in the query;
// empty in the newer form, /openai/v1, in which the body names it. What differs from OpenAI is the key's header, the verdicts of the
// content filter, and errors.
type azure struct {
	chat
	deployment string
}

const (
	azureDeployments = "/openai/deployments/"
	azureChat        = "/chat/completions"
)

// azureVersion is a version of the API, as the older form wants one.
var azureVersion = regexp.MustCompile(`^20[0-9]{2}-[01][0-9]-[0-3][0-9](-preview)?$`)

// azureOf finds the dialect of an address of Azure, or nil.
func azureOf(path string) dialect {
	if path == "/openai/v1"+azureChat {
		return azure{}
	}
	rest, ok := strings.CutPrefix(path, azureDeployments)
	deployment, found := strings.CutSuffix(rest, azureChat)
	if !ok || !found || deployment == "" {
		return nil
	}
	return azure{deployment: deployment}
}

func (azure) name() string               { return "azure" }
func (azure) key(r *http.Request) string { return r.Header.Get("Api-Key") }

func (d azure) parse(c *call, r *http.Request) error { return d.named(c, r, d.chat.parse) }

// named checks the version, and lets the model be what the address names, if it does.
func (d azure) named(c *call, r *http.Request, parse func(*call, *http.Request) error) error {
	version := r.URL.Query().Get("api-version")
	switch {
	case d.deployment == "" && version != "" && version != "preview" && version != "v1",
		d.deployment != "" && !azureVersion.MatchString(version):
		return &failure{http.StatusNotFound, "", "404", "", "Resource not found"}
	case d.deployment != "":
		// The body need not name a model, and what it says counts for nothing.
		if err := c.req.setModel(d.deployment); err != nil {
			return err
		}
	}
	if err := parse(c, r); err != nil {
		return err
	}
	if d.deployment != "" {
		return c.req.setModel(d.deployment)
	}
	return nil
}

func (d azure) headers(h http.Header, a *about) {
	d.chat.headers(h, a)
	h.Set("Apim-Request-Id", string(a.id))
	h.Set("X-Ms-Region", "Sim")
	if a.failure == nil {
		h.Set("X-Ratelimit-Remaining-Requests", "-1") // as some deployments say it
		h.Set("X-Ratelimit-Remaining-Tokens", "0")
	}
}

// failure appends Azure's errors: the class is missing, and the code is a word or the status.
func (d azure) failure(b []byte, f *failure, a *about) []byte {
	var code, message string
	switch {
	case f.status == http.StatusUnauthorized:
		code = "401"
		message = "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription."
	case f.status == http.StatusNotFound && f.code == "model_not_found":
		code, message = "DeploymentNotFound", "The API deployment for this resource does not exist."
	case f.status == http.StatusTooManyRequests && f.code != codeHardQuota:
		code, message = "429", "Requests have exceeded the call rate limit of your current pricing tier. Please retry later."
	case f.code == codeFiltered:
		b = append(b, `{"error":{"message":`...)
		b = appendText(b, f.message)
		b = append(b, `,"type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation",`+
			`"content_filter_result":`...)
		b = azureVerdict(b, true)
		return append(b, `}}}`...)
	default:
		return d.chat.failure(b, f, a)
	}
	b = append(b, `{"error":{"code":`...)
	b = appendText(b, code)
	b = append(b, `,"message":`...)
	b = appendText(b, message)
	return append(b, `}}`...)
}

// codeFiltered marks a prompt that the content filter did not let through.
const codeFiltered = "content_filter"

// refuses says that a prompt is refused with an error, where other vendors give an empty answer.
func (azure) refuses() *failure {
	return &failure{
		http.StatusBadRequest, "", codeFiltered, "prompt",
		"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
	}
}

func (d azure) whole(c *call) {
	d.chat.whole(c)
	c.out = append(c.out[:len(c.out)-len("}\n")], `,"prompt_filter_results":`...)
	c.out = append(azurePrompt(c.out), "}\n"...)
}

// open begins with a chunk that has nothing but the verdict about the prompt: no id, no choice.
func (d azure) open(c *call) {
	c.out = append(c.out, `data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":`...)
	c.out = append(azurePrompt(c.out), "}\n\n"...)
	d.chat.open(c)
}

func azurePrompt(b []byte) []byte {
	b = append(b, `[{"prompt_index":0,"content_filter_results":`...)
	b = azureVerdict(b, false)
	return append(b, `}]`...)
}

// verdict appends what the content filter says of a choice.
func (azure) verdict(b []byte, f finish) []byte {
	b = append(b, `,"content_filter_results":`...)
	return azureVerdict(b, f == finishFilter)
}

func azureVerdict(b []byte, filtered bool) []byte {
	severity := "safe"
	if filtered {
		severity = "high"
	}
	b = append(b, '{')
	for i, category := range []string{"hate", "self_harm", "sexual", "violence"} {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `"`+category+`":{"filtered":`...)
		b = strconv.AppendBool(b, filtered && i == 0)
		if i == 0 {
			b = append(b, `,"severity":"`+severity+`"}`...)
		} else {
			b = append(b, `,"severity":"safe"}`...)
		}
	}
	return append(b, '}')
}
