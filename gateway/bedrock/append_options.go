package bedrock

import (
	"strconv"

	"github.com/massrouter/massrouter/gateway/chat"
)

// effortOf is the vendor's word for an effort.
func effortOf(effort string) string {
	switch effort {
	case "minimal":
		return "low"
	case "low", "medium", "high", "xhigh", "max":
		return effort
	}
	return ""
}

// minBudget is the least that Anthropic's models take for thinking.
const minBudget = 1024

// reasoning notes how much the model may think: the effort is for all models, budgets and switches are Anthropic's.
func (w *writer) reasoning() error {
	how := w.Request.Reasoning
	off := how.Off || how.Effort == "none"
	switch {
	case !how.Given():
		return nil
	case how.Budget > 0 && !off:
		return w.budget(how.Budget)
	case off && w.claude:
		w.more(`"thinking":{"type":"disabled"}`)
		return nil
	case off:
		return w.Cannot("reasoning", "the vendor cannot switch it off for this model")
	case how.Effort == "":
		return nil // only whether the thoughts are shown, which is the gateway's own
	}
	if w.effort = effortOf(how.Effort); w.effort == "" {
		return w.Cannot("reasoning_effort", "the vendor has no such effort")
	}
	if w.claude {
		w.more(`"thinking":{"type":"adaptive"}`)
	}
	return nil
}

func (w *writer) budget(tokens int64) error {
	switch {
	case !w.claude:
		return w.Cannot("reasoning.max_tokens", "the vendor takes an effort in place of a budget for this model")
	case tokens < minBudget || tokens >= w.Options.MaxTokens:
		return w.Cannot("reasoning.max_tokens", "the vendor wants at least 1024, and less than the whole output may have")
	}
	w.more(`"thinking":{"type":"enabled","budget_tokens":` + strconv.FormatInt(tokens, 10) + `}`)
	return nil
}

// outputConfig writes the effort and the form of the answer.
func (w *writer) outputConfig() error {
	f := &w.Request.Format
	schema := f.Kind == chat.JSONSchema && f.Schema.Kind() == '{'
	if !schema && f.Kind != "" && f.Kind != chat.PlainText {
		if err := w.Cannot("response_format", "the vendor wants a JSON schema for answers in JSON"); err != nil {
			return err
		}
	}
	if w.effort == "" && !schema {
		return nil
	}
	w.Raw(`,"outputConfig":{`)
	open := len(w.Dst)
	if w.effort != "" {
		w.Raw(`"effort":"` + w.effort + `"`)
	}
	if schema {
		w.Comma(open)
		w.Raw(`"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":`)
		w.Text(string(f.Schema))
		if f.Name != "" {
			w.Raw(`,"name":`)
			w.Text(f.Name)
		}
		if f.Description != "" {
			w.Raw(`,"description":`)
			w.Text(f.Description)
		}
		w.Raw(`}}}`)
	}
	w.Raw(`}`)
	return nil
}

// tools writes the functions that the model may ask for, and whether it may or must.
func (w *writer) tools() error {
	choice, tools := w.Request.ToolChoice, w.Request.Tools
	switch {
	case len(tools) == 0 && (choice.Mode == chat.ToolsAny || choice.Mode == chat.ToolsOne):
		return chat.Unsupported("tool_choice", "there is no tool to choose")
	case len(tools) == 0:
		return nil
	case choice.Mode == chat.ToolsNone && !w.called():
		return nil // what may not be called need not be told
	case choice.Mode == chat.ToolsNone:
		if err := w.Cannot("tool_choice", "the vendor cannot forbid calls once there were some"); err != nil {
			return err
		}
	}
	if p := w.Request.ParallelTools; p != nil && !*p {
		if err := w.Cannot("parallel_tool_calls", "the vendor cannot forbid calls side by side"); err != nil {
			return err
		}
	}
	w.Raw(`,"toolConfig":{"tools":[`)
	for i := range tools {
		if i > 0 {
			w.Raw(`,`)
		}
		if err := w.tool(&tools[i], "tools["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	w.Raw(`]`)
	switch choice.Mode {
	case chat.ToolsAuto:
		w.Raw(`,"toolChoice":{"auto":{}}`)
	case chat.ToolsAny:
		w.Raw(`,"toolChoice":{"any":{}}`)
	case chat.ToolsOne:
		w.Raw(`,"toolChoice":{"tool":{"name":`)
		w.Text(choice.Name)
		w.Raw(`}}`)
	case "", chat.ToolsNone:
	}
	w.Raw(`}`)
	return nil
}

// called says whether the conversation has calls or results, which the vendor takes only with tools beside them.
func (w *writer) called() bool {
	for i := range w.Request.Messages {
		for j := range w.Request.Messages[i].Parts {
			if kind := w.Request.Messages[i].Parts[j].Kind; kind == chat.ToolCall || kind == chat.ToolResult {
				return true
			}
		}
	}
	return false
}

func (w *writer) tool(t *chat.Tool, field string) error {
	w.Raw(`{"toolSpec":{"name":`)
	w.Text(t.Name)
	if t.Description != "" {
		w.Raw(`,"description":`)
		w.Text(t.Description)
	}
	switch {
	case t.Parameters == nil:
		w.Raw(`,"inputSchema":{"json":{"type":"object","properties":{}}}`)
	case t.Parameters.Kind() == '{':
		w.Raw(`,"inputSchema":{"json":`)
		w.Raw(string(t.Parameters))
		w.Raw(`}`)
	default:
		return chat.Unsupported(field, "its parameters are no JSON schema")
	}
	if t.Strict != nil {
		w.Raw(`,"strict":` + strconv.FormatBool(*t.Strict))
	}
	w.Raw(`}}`)
	return w.cache(t.CacheTTL)
}
