package anthropic

import (
	"strconv"

	"github.com/massrouter/massrouter/gateway/chat"
)

// effortOf is the vendor's word for an effort.
func effortOf(effort string) (string, bool) {
	switch effort {
	case "minimal":
		return "low", true
	case "low", "medium", "high", "xhigh", "max":
		return effort, true
	}
	return "", false
}

// minBudget is the least that the vendor takes for thinking.
const minBudget = 1024

// reasoning writes how much the model may think.
func (w *writer) reasoning() error {
	how := w.Request.Reasoning
	switch {
	case how.Budget > 0 && (how.Budget < minBudget || how.Budget >= w.Options.MaxTokens):
		return w.Cannot("reasoning.max_tokens", "the vendor wants at least 1024, and less than the whole output may have")
	case how.Off || how.Effort == "none":
		w.Raw(`,"thinking":{"type":"disabled"}`)
		return nil
	case how.Budget > 0:
		w.Raw(`,"thinking":{"type":"enabled","budget_tokens":`)
		w.Dst = strconv.AppendInt(w.Dst, how.Budget, 10)
	case how.Effort != "":
		if _, ok := effortOf(how.Effort); !ok {
			return w.Cannot("reasoning_effort", "the vendor has no such effort")
		}
		w.Raw(`,"thinking":{"type":"adaptive"`)
	default:
		return nil
	}
	switch {
	case how.Show == nil:
	case *how.Show:
		w.Raw(`,"display":"summarized"`)
	default:
		w.Raw(`,"display":"omitted"`)
	}
	w.Raw(`}`)
	return nil
}

// outputConfig writes the effort and the form of the answer.
func (w *writer) outputConfig() error {
	effort, _ := effortOf(w.Request.Reasoning.Effort)
	schema, err := w.schema()
	if err != nil || effort == "" && schema == nil {
		return err
	}
	w.Raw(`,"output_config":{`)
	open := len(w.Dst)
	if effort != "" {
		w.Raw(`"effort":"` + effort + `"`)
	}
	if schema != nil {
		w.Comma(open)
		w.Raw(`"format":{"type":"json_schema","schema":`)
		w.Raw(string(schema))
		w.Raw(`}`)
	}
	w.Raw(`}`)
	return nil
}

// schema is that of the answer, nil for free text. Its name is only a label, and the vendor keeps to every schema.
func (w *writer) schema() ([]byte, error) {
	switch f := &w.Request.Format; {
	case f.Kind == chat.JSONSchema && f.Schema.Kind() == '{':
		return f.Schema, nil
	case f.Kind == "", f.Kind == chat.PlainText:
		return nil, nil
	}
	return nil, w.Cannot("response_format", "the vendor wants a JSON schema for answers in JSON")
}

// tools writes the functions that the model may ask for.
func (w *writer) tools() error {
	for i := range w.Request.Tools {
		if i == 0 {
			w.Raw(`,"tools":[`)
		} else {
			w.Raw(`,`)
		}
		if err := w.tool(&w.Request.Tools[i], "tools["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	if len(w.Request.Tools) > 0 {
		w.Raw(`]`)
	}
	return nil
}

func (w *writer) tool(t *chat.Tool, field string) error {
	w.Raw(`{"name":`)
	w.Text(t.Name)
	if t.Description != "" {
		w.Raw(`,"description":`)
		w.Text(t.Description)
	}
	switch {
	case t.Parameters == nil:
		w.Raw(`,"input_schema":{"type":"object","properties":{}}`)
	case t.Parameters.Kind() == '{':
		w.Raw(`,"input_schema":`)
		w.Raw(string(t.Parameters))
	default:
		return chat.Unsupported(field, "its parameters are no JSON schema")
	}
	if t.Strict != nil {
		w.Raw(`,"strict":` + strconv.FormatBool(*t.Strict))
	}
	if err := w.cache(t.CacheTTL); err != nil {
		return err
	}
	w.Raw(`}`)
	return nil
}

// toolChoice writes whether tools may be called. Without tools there is nothing to allow, and a choice would be refused.
func (w *writer) toolChoice() error {
	choice, parallel := w.Request.ToolChoice, w.Request.ParallelTools
	if len(w.Request.Tools) == 0 {
		if choice.Mode == chat.ToolsAny || choice.Mode == chat.ToolsOne {
			return chat.Unsupported("tool_choice", "there is no tool to choose")
		}
		return nil
	}
	if choice.Mode == "" && (parallel == nil || *parallel) {
		return nil
	}
	switch choice.Mode {
	case chat.ToolsNone:
		w.Raw(`,"tool_choice":{"type":"none"}`)
		return nil
	case chat.ToolsAny:
		w.Raw(`,"tool_choice":{"type":"any"`)
	case chat.ToolsOne:
		w.Raw(`,"tool_choice":{"type":"tool","name":`)
		w.Text(choice.Name)
	default:
		w.Raw(`,"tool_choice":{"type":"auto"`)
	}
	if parallel != nil {
		w.Raw(`,"disable_parallel_tool_use":` + strconv.FormatBool(!*parallel))
	}
	w.Raw(`}`)
	return nil
}

// cache marks the end of what the vendor shall keep; five minutes are its default.
func (w *writer) cache(ttl string) error {
	switch ttl {
	case "":
	case "5m":
		w.Raw(`,"cache_control":{"type":"ephemeral"}`)
	case "1h":
		w.Raw(`,"cache_control":{"type":"ephemeral","ttl":"1h"}`)
	default:
		return w.Cannot("cache_control.ttl", "the vendor keeps prompts for 5m or 1h")
	}
	return nil
}
