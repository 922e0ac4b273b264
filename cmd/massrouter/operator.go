package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/folder"
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/http/openapi/client"
)

const operatorHelp = reachHelp + `

A command that may change something sends an idempotency key. When its answer is lost, run it again with the key that it
printed: it happens once.`

const reachHelp = `

These commands talk to a running service through its console API. Say where it is with --server, or with --data for a
folder of 'massrouter dev', or with MASSROUTER_SERVER; and who you are with MASSROUTER_OPERATOR_TOKEN (other users of the
machine can see what stands on a command line, so --token is for trying things out).`

const operatorTimeout = time.Minute

// operator is how an operator command reaches the service.
type operator struct {
	server, token, data string
	once                string        // the idempotency key
	patience            time.Duration // for an answer, to its last byte; 0 is a minute
}

// flags adds the flags that all operator commands have.
func (o *operator) flags(c *cobra.Command, changes bool) *cobra.Command {
	flags := c.Flags()
	flags.StringVar(&o.server, "server", "", "base URL of the service (default: MASSROUTER_SERVER)")
	flags.StringVar(&o.token, "token", "", "operator token (default: MASSROUTER_OPERATOR_TOKEN)")
	flags.StringVar(&o.data, "data", "", "data folder of a running 'massrouter dev': says server and token")
	if changes {
		flags.StringVar(&o.once, "idempotency-key", "", "send the same key again to repeat a command without doing it twice")
	}
	return c
}

// client connects, with what the flags say before what the environment says.
func (o *operator) client(c *cobra.Command, sh shell) (*client.ClientWithResponses, error) {
	cfg, err := settings(c, sh, config.RoleLocal)
	if err != nil {
		return nil, err
	}
	server, token := cfg.Client.Server, cfg.HTTP.OperatorToken.Reveal()
	if o.data != "" {
		info, err := folder.ReadInfo(o.data)
		if err != nil {
			return nil, err
		}
		server, token = info.BaseURL, info.OperatorToken
	}
	if o.server != "" {
		server = o.server
	}
	if o.token != "" {
		token = o.token
	}
	if server == "" {
		return nil, usagef("where is the service? Give --server, --data or MASSROUTER_SERVER")
	}
	if token == "" {
		return nil, usagef("an operator token is needed: set MASSROUTER_OPERATOR_TOKEN, or give --data")
	}
	if o.once == "" {
		o.once = uuid.NewString()
	}
	return client.NewClientWithResponses(server, client.WithHTTPClient(&http.Client{Timeout: cmp.Or(o.patience, operatorTimeout)}),
		client.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
			r.Header.Set("Authorization", "Bearer "+token)
			return nil
		}))
}

// lost explains an answer that never came.
func (o *operator) lost(err error) error {
	return fmt.Errorf("%w\nIt is not known whether it happened: run it again with --idempotency-key %s", err, o.once)
}

// answer is what the service said: the result, or its problem as an error.
func answer[T any](result *T, problem *client.Problem, status string) (*T, error) {
	switch {
	case result != nil:
		return result, nil
	case problem == nil:
		return nil, fmt.Errorf("the service answered %s: is it MassRouter?", status)
	}
	e := domain.Errorf(domain.Code(problem.Code), "%s", problem.Detail)
	if problem.Details != nil {
		for key, value := range *problem.Details {
			e = e.With(key, value)
		}
	}
	return nil, e
}

func parseID(what, text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil || len(text) != 36 {
		return uuid.Nil, usagef("%q is no %s id: it has the form 018f0000-0000-7000-8000-000000000000", text, what)
	}
	return id, nil
}

// parseModel splits author/slug.
func parseModel(text string) (author, slug string, err error) {
	author, slug, ok := strings.Cut(text, "/")
	if !ok || author == "" || slug == "" || strings.Contains(slug, "/") {
		return "", "", usagef("%q is no model: it has the form author/slug", text)
	}
	return author, slug, nil
}

// parseEndpoint splits author/slug@vendor.
func parseEndpoint(text string) (author, slug, vendor string, err error) {
	model, vendor, ok := strings.Cut(text, "@")
	author, slug, merr := parseModel(model)
	if !ok || vendor == "" || merr != nil {
		return "", "", "", usagef("%q is no endpoint: it has the form author/slug@vendor", text)
	}
	return author, slug, vendor, nil
}

// pointer is nil for the zero value: what is optional is left out.
func pointer[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
