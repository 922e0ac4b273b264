package catalogimport

import (
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxClauseDepth = 20
	maxPattern     = 1000 // bytes
)

// upstreamName is the name by which a vendor calls a model: the id that the list gives it when its own match clause takes
// that, else the only name that the clause takes. A clause that takes several other names does not say which to send.
func upstreamName(id string, clause jsontext.Value) (string, error) {
	matches, err := clauseMatches(clause, id, 0)
	if err != nil {
		return "", err
	}
	if matches {
		return id, nil
	}
	var only struct {
		Equals string `json:"equals"`
	}
	if err := json.Unmarshal(clause, &only, json.RejectUnknownMembers(true)); err == nil && only.Equals != "" {
		return only.Equals, nil
	}
	return "", refuse(ReasonUpstream, "the match clause does not take the id itself, and no single other name")
}

// clauseMatches evaluates a clause of genai-prices: an object with one of equals, starts_with, ends_with, contains, regex,
// or, and. All but regex ignore case.
func clauseMatches(raw jsontext.Value, text string, depth int) (bool, error) {
	if depth > maxClauseDepth {
		return false, refuse(ReasonShape, "the match clause is nested too deeply")
	}
	var clause map[string]jsontext.Value
	if err := json.Unmarshal(raw, &clause); err != nil || len(clause) != 1 {
		return false, refuse(ReasonShape, "the match clause is no object with one member")
	}
	for kind, value := range clause {
		if kind == "or" || kind == "and" {
			return anyOrAll(value, text, kind == "and", depth)
		}
		var want string
		if err := json.Unmarshal(value, &want); err != nil {
			return false, refuse(ReasonShape, "the match clause %q has no text", clip(kind))
		}
		return textMatches(kind, strings.ToLower(text), text, want)
	}
	return false, nil
}

func anyOrAll(raw jsontext.Value, text string, all bool, depth int) (bool, error) {
	var clauses []jsontext.Value
	if err := json.Unmarshal(raw, &clauses); err != nil {
		return false, refuse(ReasonShape, "a match clause has no list of clauses")
	}
	result := all
	for _, clause := range clauses {
		ok, err := clauseMatches(clause, text, depth+1)
		if err != nil {
			return false, err
		}
		if ok != all {
			result = ok
		}
	}
	return result, nil
}

func textMatches(kind, lower, text, want string) (bool, error) {
	folded := strings.ToLower(want)
	switch kind {
	case "equals":
		return lower == folded, nil
	case "starts_with":
		return strings.HasPrefix(lower, folded), nil
	case "ends_with":
		return strings.HasSuffix(lower, folded), nil
	case "contains":
		return strings.Contains(lower, folded), nil
	case "regex":
		if len(want) > maxPattern {
			return false, refuse(ReasonShape, "the pattern of a match clause is too long")
		}
		pattern, err := regexp.Compile(want)
		if err != nil {
			return false, refuse(ReasonUpstream, "the pattern of the match clause is not understood")
		}
		return pattern.MatchString(text), nil
	}
	return false, refuse(ReasonShape, "unknown match clause %q", clip(kind))
}
