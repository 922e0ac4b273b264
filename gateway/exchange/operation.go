package exchange

import (
	"slices"

	"github.com/massrouter/massrouter/gateway/chat"
)

// Operation is what a call asks for. The zero value is a conversation.
type Operation string

// The operations. Each has its own form for callers and vendors; what they have in common is the way through the gateway.
const (
	Chat       Operation = ""           // a conversation, in any dialect
	Completion Operation = "completion" // the continuation of a text: OpenAI's legacy completions
	Embeddings Operation = "embeddings" // a vector for each text
	Rerank     Operation = "rerank"     // how well each of some documents answers a query
	Images     Operation = "image"      // pictures that are drawn
	Speech     Operation = "speech"     // a text that is spoken
	// Transcription is a sound that is written down.
	Transcription Operation = "transcription"
)

// Serves says whether vendors of a dialect can be asked for an operation. A completion reaches vendors without completions as a
// conversation.
func Serves(o Operation, d chat.Dialect) bool {
	switch o {
	case Chat, Completion:
		return Speaks(d)
	case Embeddings:
		return d == chat.OpenAI || d == chat.Gemini
	case Rerank, Images, Speech, Transcription:
		return d == chat.OpenAI
	}
	return false
}

// Offered says whether a model with such output modalities does the operation. The words are OpenRouter's: models of vectors put out
// "embeddings", those that sort documents "rerank", those that draw "image", those that speak "speech", those that
// write sound down "transcription"; one whose only outputs are of such a kind holds no conversations. Of a model without
// any nobody has said what it does: everything may be tried.
func (o Operation) Offered(outputs []string) bool {
	if len(outputs) == 0 {
		return true
	}
	switch o {
	case Embeddings, Rerank, Images, Speech, Transcription:
		return slices.Contains(outputs, string(o))
	case Chat, Completion:
	}
	for _, output := range outputs {
		switch output {
		case "embeddings", "rerank", "speech", "transcription":
		default:
			return true
		}
	}
	return false
}

// Generates says whether the answer has output tokens, which have a cap.
func (o Operation) Generates() bool { return o == Chat || o == Completion }

// Unbounded says whether the answer has output tokens of which a vendor cannot be told the most: as many as the model puts out.
func (o Operation) Unbounded() bool { return o == Images || o == Speech || o == Transcription }

// Name is what messages call the operation.
func (o Operation) Name() string {
	switch o {
	case Completion:
		return "completions"
	case Embeddings:
		return "embeddings"
	case Rerank:
		return "rerank"
	case Images:
		return "images"
	case Speech:
		return "speech"
	case Transcription:
		return "transcriptions"
	case Chat:
	}
	return "conversations"
}

// Ask is what a vendor is asked for: all that its address depends on, beside the model.
type Ask struct {
	Operation Operation
	Stream    bool
	Single    bool // one input rather than a list of them, in dialects that have an address of its own for that
}
