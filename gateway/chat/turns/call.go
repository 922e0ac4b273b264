package turns

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/chat"
)

// CallID is the identifier of a call as a vendor takes it, which has its own alphabet and at most so many characters (0: any number). Any other one is
// replaced, always by the same.
func CallID(id, prefix string, longest int) string {
	fits := longest == 0 || len(id) <= longest
	for i := 0; i < len(id) && fits; i++ {
		c := id[i]
		fits = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
	}
	if fits {
		return id
	}
	const enough = 12
	h := sha256.Sum256([]byte(id))
	return prefix + hex.EncodeToString(h[:enough])
}

// Arguments are those of a call, as a JSON object.
func Arguments(c *chat.Call, at Place) (string, error) {
	arguments := strings.TrimSpace(c.Arguments)
	if arguments == "" {
		arguments = "{}"
	}
	field := "messages[" + strconv.Itoa(at.Message) + "].tool_calls"
	switch {
	case c.ID == "":
		return "", chat.Unsupported(field, "a call has no id")
	case !IsObject(arguments):
		return "", chat.Unsupported(field, "the arguments of a call are no JSON object")
	}
	return arguments, nil
}

// IsObject says whether a text is a JSON object. The vendor is the judge of names that are in it twice.
func IsObject(text string) bool {
	v := jsontext.Value(text)
	return v.Kind() == '{' && v.IsValid(jsontext.AllowDuplicateNames(true))
}

// Answers refuses a result that names no call.
func Answers(r *chat.Result, at Place) error {
	if r.CallID == "" {
		return chat.Unsupported("messages["+strconv.Itoa(at.Message)+"].tool_call_id", "a result names no call")
	}
	return nil
}
