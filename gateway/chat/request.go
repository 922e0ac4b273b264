package chat

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/domain"
)

// Request is a chat call. Zero values mean that the caller did not say.
type Request struct {
	Model    string
	Messages []Message // in order; system messages stand where the caller had them
	Stream   bool
	// IncludeUsage: the caller asked for the usage in the stream. Callers get it in any case.
	IncludeUsage bool

	Tools         []Tool
	ToolChoice    ToolChoice
	ParallelTools *bool

	MaxTokens        int64 // output tokens of one choice
	Choices          int64 // at least 1
	Temperature      Number
	TopP             Number
	TopK             Number
	FrequencyPenalty Number
	PresencePenalty  Number
	Seed             Number
	Stop             []string
	Format           Format
	Reasoning        Reasoning
	ServiceTier      string
	User             string // the caller's own id of its user

	// Unsupported names the top-level members (or member.path of inner ones) that have no place in this form, as the caller wrote
	// them, in order and each once.
	Unsupported []string
}

// Number is a JSON number as it was written, "" for none: it reaches the vendor with the same digits.
type Number string

// Role is who says a message.
type Role string

// The roles. Results of tools stand in messages of the user, as parts; the writers of dialects that have a role of their own for
// them take them apart.
const (
	System    Role = "system"
	User      Role = "user"
	Assistant Role = "assistant"
)

// Message is one turn.
type Message struct {
	Role  Role
	Name  string // of the speaker, where a dialect has that
	Parts []Part
}

// PartKind is what a part is.
type PartKind uint8

// The kinds of parts.
const (
	Text       PartKind = iota + 1 // Part.Text
	Refusal                        // Part.Text: the model declines
	Thinking                       // Part.Text, Part.Signature: reasoning, to be returned unmodified
	Redacted                       // Part.Signature: reasoning that only its vendor can read
	Image                          // Part.Media
	File                           // Part.Media: a document, mostly PDF
	Audio                          // Part.Media
	ToolCall                       // Part.Call, perhaps Part.Signature
	ToolResult                     // Part.Result
)

// Part is a piece of a message or an answer.
type Part struct {
	Kind      PartKind
	Text      string
	Media     *Media
	Call      *Call
	Result    *Result
	Signature string // opaque, of the vendor that made it
	Origin    string // the dialect whose vendor made Signature: other vendors cannot read it
	CacheTTL  string // "", "5m" or "1h": the prompt up to this part may be kept that long
}

// Media is an image, a document or a sound: either Data or URL.
type Media struct {
	MIME   string // such as image/png; "" if not known
	Data   string // standard base64
	URL    string // http or https
	Name   string // of a file
	Detail string // of an image: low, high, auto
}

// Call is the model's wish to have a tool called.
type Call struct {
	ID        string
	Name      string
	Arguments string // a JSON object as text; of a model's answer perhaps not valid
}

// Result is what a called tool gave.
type Result struct {
	CallID string
	Name   string // of the tool, "" if not known
	Parts  []Part // Text, Image, File
	Error  bool
}

// Tool is a function that the model may ask for.
type Tool struct {
	Name, Description string
	Parameters        jsontext.Value // JSON Schema; nil for none
	Strict            *bool
	CacheTTL          string // see Part
}

// ToolMode is whether tools may or must be called.
type ToolMode string

// The modes; "" leaves it to the vendor.
const (
	ToolsAuto ToolMode = "auto"
	ToolsNone ToolMode = "none"
	ToolsAny  ToolMode = "any" // at least one
	ToolsOne  ToolMode = "one" // the named one
)

// ToolChoice is a mode and, for ToolsOne, a name.
type ToolChoice struct {
	Mode ToolMode
	Name string
}

// Format asks for a form of the answer's text.
type Format struct {
	Kind        FormatKind
	Name        string
	Description string
	Schema      jsontext.Value // of JSONSchema
	Strict      *bool
}

// FormatKind is the form of an answer's text.
type FormatKind string

// The forms; "" and PlainText mean the same.
const (
	PlainText  FormatKind = "text"
	JSONObject FormatKind = "json_object"
	JSONSchema FormatKind = "json_schema"
)

// Reasoning is how much the model shall think first. At most one of Effort, Budget and Off is set.
type Reasoning struct {
	Effort string // none, minimal, low, medium, high, xhigh, max
	Budget int64  // tokens
	Off    bool
	Show   *bool // whether the caller wants to see it
}

// Given says whether the caller said anything about reasoning.
func (r Reasoning) Given() bool { return r != Reasoning{} }

// Options of writing a request for a vendor.
type Options struct {
	Model     string // the vendor's name of the model
	MaxTokens int64  // the output cap that was admitted; always written
	CapField  string // how the vendor calls it, where vendors of a dialect differ
	// BodyVersion stands as anthropic_version in the body, in place of the model: vendors of Anthropic's dialect that are not Anthropic.
	BodyVersion string
	// NoStreamUsage: the vendor of OpenAI's dialect refuses to be asked for the usage of a stream.
	NoStreamUsage bool
	// CountsTokens: the call is charged by tokens, so that the vendor has to say them.
	CountsTokens bool
	// DropUnsupported leaves out what cannot be said, rather than refuse. It never leaves out content or tools.
	DropUnsupported bool
}

// Unsupported is the refusal of something that a dialect cannot say. field is the caller's name for it.
func Unsupported(field, why string) *domain.Error {
	return domain.Errorf(domain.CodeInvalid, "%s cannot be used with this model: %s", field, why).With("param", field)
}
