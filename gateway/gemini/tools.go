package gemini

import (
	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/jsonscan"
)

// The modes of toolConfig.functionCallingConfig.
const (
	modeAuto      = "AUTO"
	modeNone      = "NONE"
	modeAny       = "ANY"
	modeValidated = "VALIDATED" // as AUTO, with arguments that fit the schema
)

// tools appends the functions and whether they may or must be called.
func (w *outgoing) tools(dst []byte) []byte {
	if len(w.Tools) == 0 {
		if w.ToolChoice.Mode == chat.ToolsAny || w.ToolChoice.Mode == chat.ToolsOne {
			w.invalid("tool_choice", "tool_choice asks for a tool, and there are none")
		}
		return dst
	}
	strict := false
	dst = append(key(dst, "tools"), `[{"functionDeclarations":[`...)
	for i := range w.Tools {
		t := &w.Tools[i]
		strict = strict || (t.Strict != nil && *t.Strict)
		dst = text(append(comma(dst), '{'), "name", t.Name)
		dst = text(dst, "description", t.Description)
		dst = append(raw(dst, "parametersJsonSchema", t.Parameters), '}')
	}
	dst = append(dst, "]}]"...)
	mode := modeOf(w.ToolChoice.Mode, strict)
	if mode == "" {
		return dst
	}
	dst = text(append(key(dst, "toolConfig"), `{"functionCallingConfig":{`...), "mode", mode)
	if w.ToolChoice.Mode == chat.ToolsOne {
		dst = append(jsonscan.AppendString(append(key(dst, "allowedFunctionNames"), '['), w.ToolChoice.Name), ']')
	}
	return append(dst, "}}"...)
}

// modeOf is the mode; "" leaves it to the vendor. Where calls may not come as the model likes, their arguments fit the schema
// in every mode.
func modeOf(mode chat.ToolMode, strict bool) string {
	switch mode {
	case chat.ToolsNone:
		return modeNone
	case chat.ToolsAny, chat.ToolsOne:
		return modeAny
	case chat.ToolsAuto:
		if !strict {
			return modeAuto
		}
	}
	if strict {
		return modeValidated
	}
	return ""
}
