package sim

import (
	"net/http"
	"strings"
)

// azureOperation is one of Azure OpenAI's operations beside chat completions: as OpenAI has it, but for the address, the key's header and errors.
// deployment is as azure has it.
type azureOperation struct {
	dialect // of OpenAI
	azure
}

// azureOperations are the operations by where they stand below a deployment, and below /openai/v1.
func azureOperations() map[string]dialect {
	return map[string]dialect{
		"/completions": completions{}, "/embeddings": embeddings{}, "/images/generations": images{}, "/audio/speech": speech{},
		"/audio/transcriptions": transcriptions{},
	}
}

// azureOperationOf finds the operation of an address of Azure, or nil. Responses are below no deployment: their body names it.
func azureOperationOf(path string) dialect {
	if path == "/openai/v1/responses" {
		return azureOperation{dialect: responses{}}
	}
	below, v1 := strings.CutPrefix(path, "/openai/v1")
	deployment, rest := "", below
	if !v1 {
		after, ok := strings.CutPrefix(path, azureDeployments)
		if !ok {
			return nil
		}
		var found bool
		if deployment, rest, found = strings.Cut(after, "/"); !found || deployment == "" {
			return nil
		}
		rest = "/" + rest
	}
	of := azureOperations()[rest]
	if of == nil {
		return nil
	}
	return azureOperation{dialect: of, azure: azure{deployment: deployment}}
}

// formed says whether requests are forms, which look at their media type themselves.
func formed(d dialect) bool {
	if d, ok := d.(azureOperation); ok {
		return formed(d.dialect)
	}
	_, form := d.(transcriptions)
	return form
}

func (d azureOperation) name() string                          { return d.azure.name() + " " + d.dialect.name() }
func (d azureOperation) method() string                        { return d.dialect.method() }
func (d azureOperation) key(r *http.Request) string            { return d.azure.key(r) }
func (d azureOperation) label(b []byte, serial uint64) []byte  { return d.dialect.label(b, serial) }
func (d azureOperation) begun(c *call)                         { d.dialect.begun(c) }
func (d azureOperation) whole(c *call)                         { d.dialect.whole(c) }
func (d azureOperation) open(c *call)                          { d.dialect.open(c) }
func (d azureOperation) token(c *call, choice int, step int64) { d.dialect.token(c, choice, step) }
func (d azureOperation) close(c *call) (reported bool)         { return d.dialect.close(c) }
func (d azureOperation) half(c *call, ended bool)              { d.dialect.half(c, ended) }
func (d azureOperation) failed(c *call)                        { d.dialect.failed(c) }
func (d azureOperation) failure(b []byte, f *failure, a *about) []byte {
	return d.azure.failure(b, f, a)
}

func (d azureOperation) headers(h http.Header, a *about) {
	d.dialect.headers(h, a)
	h.Set("Apim-Request-Id", string(a.id))
	h.Set("X-Ms-Region", "Sim")
}

func (d azureOperation) parse(c *call, r *http.Request) error {
	return d.azure.named(c, r, d.dialect.parse)
}
