package sdktest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// vendor is one of the demo catalogue's, each of another dialect.
type vendor struct {
	ID      string
	Dialect string
	Model   string // of the demo catalogue
	// System, Schema, Image and Think are what the dialect has where such a thing is said.
	System, Schema, Image, Think string
	// Cancels: a caller that leaves ends the vendor's work; else the product reads on to the end.
	Cancels bool
	front   *front
}

var vendors = []*vendor{
	{ID: "aurora", Dialect: "openai", Model: "aurora/polaris-mini", System: `"role":"system"`, Schema: `"response_format"`, Image: `"image_url"`, Think: `"reasoning_effort"`, Cancels: true},
	{ID: "meridian", Dialect: "anthropic", Model: "meridian/atlas-lite", System: `"system":`, Schema: `"output_config"`, Image: `"base64"`, Think: `"thinking":`},
	{ID: "boreal", Dialect: "gemini", Model: "boreal/scout", System: `"systemInstruction"`, Schema: `"generationConfig"`, Image: `"inlineData"`, Think: `"thinkingConfig"`},
	{ID: "summit", Dialect: "bedrock", Model: "summit/ridge", System: `"system":`, Schema: `"outputConfig"`, Image: `"bytes"`, Think: `"thinking":`},
}

// steered are models of each vendor that do what the tests need. Their names, and the simulator's controls.
const (
	pair     = "sdk-pair" // calls two tools at once
	long     = "sdk-long" // goes on for seconds
	down     = "sdk-down" // is overloaded
	seeing   = "sdk-seeing"
	thinking = "sdk-thinking"
	// embedding is a model of its own kind: it answers with vectors.
	embedding = "sdk-embedding"
	// muse draws, speaks and listens.
	muse = "sdk-muse"

	allWords     = 1000 // of the long one
	thoughtWords = 15   // of the thinking one
)

var steered = map[string]string{
	pair: "pair?tools=2&words=3", long: fmt.Sprintf("long?tokens=%d&between=5ms", allWords), down: "down?fault=503&retry_after=60",
	seeing: "seeing?tokens=12", thinking: fmt.Sprintf("thinking?tokens=12&reasoning=%d", thoughtWords),
}

// prepare puts the fronts before the vendors and publishes the steered models, as an operator would.
func prepare() (stop func(), err error) {
	var fronts []*front
	stop = func() {
		for _, f := range fronts {
			f.close()
		}
	}
	var published struct {
		Items []map[string]any `json:"items"`
	}
	if err := console(http.MethodGet, "/console/v1/vendors", nil, &published); err != nil {
		return stop, err
	}
	var last string
	for _, v := range vendors {
		if v.front, err = newFront(shared.SimURL); err != nil {
			return stop, err
		}
		fronts = append(fronts, v.front)
		at := slices.IndexFunc(published.Items, func(i map[string]any) bool { return i["id"] == v.ID })
		if at < 0 {
			return stop, fmt.Errorf("the demo catalogue has no vendor %s", v.ID)
		}
		spec := published.Items[at]
		delete(spec, "id")
		spec["base_url"] = v.front.URL
		if v.Dialect != "bedrock" {
			spec["base_url"] = v.front.URL + "/v1"
		}
		if err := console(http.MethodPut, "/console/v1/vendors/"+v.ID, spec, nil); err != nil {
			return stop, err
		}
		if err := publish(v.ID, muse, muse, "image", "speech", "transcription"); err != nil {
			return stop, fmt.Errorf("publish the muse of %s: %w", v.ID, err)
		}
		if err := publish(v.ID, embedding, embedding, "embeddings"); err != nil {
			return stop, fmt.Errorf("publish the embeddings of %s: %w", v.ID, err)
		}
		for name, upstream := range steered {
			last = v.ID + "/" + name
			if v.Dialect == "bedrock" {
				upstream = "anthropic." + upstream // of whose models more can be said
			}
			if err := publish(v.ID, name, upstream, "text"); err != nil {
				return stop, fmt.Errorf("publish %s: %w", last, err)
			}
		}
	}
	return stop, await(last)
}

func publish(vendor, name, upstream string, outputs ...string) error {
	model := "/console/v1/models/" + vendor + "/" + name
	endpoint := model + "/endpoints/" + vendor
	if err := console(http.MethodPut, model, map[string]any{
		"name": name, "context_length": 128_000, "max_completion_tokens": 16_000, "input_modalities": []string{"text", "image"},
		"output_modalities": outputs, "tokenizer": "o200k", "released_at": "2026-05-01T00:00:00Z", "status": "active",
		"supported_parameters": []string{"max_tokens", "tools", "tool_choice", "response_format", "reasoning"},
	}, nil); err != nil {
		return err
	}
	if err := console(http.MethodPut, endpoint, map[string]any{
		"upstream_model": upstream, "context_length": 128_000, "max_completion_tokens": 16_000, "status": "active",
	}, nil); err != nil {
		return err
	}
	return console(http.MethodPost, endpoint+"/prices", map[string]any{
		"currency": "USD", "price": map[string]any{"base": map[string]string{"input": "0.000001", "output": "0.000004"}},
	}, nil)
}

// await waits until a model can be called.
func await(model string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return errors.New("the published models cannot be called after a minute: " + model)
		case <-tick.C:
		}
		var listed struct {
			Data []struct {
				ID string `json:"id"`
			} `json:"data"`
		}
		if err := get("/v1/models", shared.APIKey, &listed); err != nil {
			return err
		}
		for _, m := range listed.Data {
			if m.ID == model {
				return nil
			}
		}
	}
}

func console(method, path string, body, into any) error {
	return send(method, shared.BaseURL+path, shared.OperatorToken, body, into)
}

func get(path, token string, into any) error {
	return send(http.MethodGet, shared.BaseURL+path, token, nil, into)
}

// refusal is an answer that is no success.
type refusal struct {
	status int
	body   string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d: %s", r.status, r.body) }

func send(method, url, token string, body, into any) error {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, url, content)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return err
	case res.StatusCode >= http.StatusMultipleChoices:
		return &refusal{res.StatusCode, string(raw)}
	case into == nil:
		return nil
	}
	return json.Unmarshal(raw, into)
}
