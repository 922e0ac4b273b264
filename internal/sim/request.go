package sim

import "strings"

const (
	maxModelName = 2048 // bytes, with controls
	maxCap       = 10_000_000
)

// request is what the simulator keeps of a call.
type request struct {
	model        string // without controls
	given        string // the model's name as sent
	controls     controls
	stream       bool
	includeUsage bool
	outputCap    int64 // tokens a choice may have, 0 without a cap
	choices      int
	seed         int64
	prompt       int64  // tokens by the counting rule
	hash         uint64 // of the messages
	tools        []string
	tool         string   // the function that must be called, or empty
	named        string   // the same, if the caller named it
	noCalls      bool     // tools must not be called
	oneCall      bool     // at most one at a time
	showThoughts bool     // reasoning is a part of the answer
	hideThoughts bool     // but without its text
	encrypted    bool     // reasoning is wanted in a form that only the vendor reads
	hasVersion   bool     // it did
	versioned    bool     // the body names the dialect's version, and no model
	unsigned     bool     // a function call came back without its signature
	array        bool     // a stream is an array, not events; vectors are in a list
	embedding    bool     // vectors are asked for, no text
	base64       bool     // as base64
	untold       bool     // the answer has no usage, whatever it used
	dimensions   int      // of each vector
	vectors      []uint64 // hashes of what to embed
	echo         bool     // the prompt is said back
	echoes       []string // what is said back, for each prompt
	unseen       int64    // choices that are made and not shown
	counting     bool     // only the prompt's tokens are asked for
	stopSequence string   // the first one, or empty
	unknown      [2]int64

	// Of pictures and sound.
	media          bool   // that is what is asked for
	pieced         bool   // it is billed by images, characters or seconds: the answer has no tokens
	each           int64  // tokens of an answer, unless the controls say them
	format         string // of a transcription
	seconds, sound int64  // of what is heard, and its tokens
	drawing        drawing
	kind           string // the media type of a whole answer; JSON if empty
	characters     int64  // to be spoken

	// What the parameters say before they are held against each other.
	capOld, capNew            int64
	messagePrompt, toolPrompt int64
	choice                    string // tool_choice
	hasMessages, hasOptions   bool
}

// setModel takes the model's name apart.
func (q *request) setModel(given string) error {
	if len(given) > maxModelName {
		return invalid(codeValue, "model", "The model's name is too long.")
	}
	q.given = given
	q.model, _, _ = strings.Cut(given, "?")
	if !plain(q.model) {
		return &failure{404, "invalid_request_error", "model_not_found", "model", "The model does not exist or you do not have access to it."}
	}
	return nil
}
