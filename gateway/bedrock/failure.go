package bedrock

import (
	"net/http"
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
)

// typeHeader has the class of an error, perhaps with an address behind a colon.
const typeHeader = "X-Amzn-Errortype"

// RequestID is the vendor's name of a call, which stands in a header.
const RequestID = "X-Amzn-Requestid"

// Failure reads the body of an answer whose status says that it failed; nil when there is no error in it. The class mostly stands in
// a header: see Classify.
func (Reader) Failure(body []byte) *chat.Failure {
	var s scanner
	f := new(chat.Failure)
	s.Lenient(body)
	said := false
	err := s.Whole(func(name []byte) error {
		switch string(name) {
		case "message", "Message":
			said = true
			return s.text(&f.Message)
		case "__type", "code":
			said = true
			return s.text(&f.Type)
		}
		return s.Skip()
	})
	if err != nil || !said {
		return nil
	}
	f.Type = class(f.Type)
	return f
}

// Classify adds what the headers of an answer without success say of it.
func Classify(h http.Header, said *chat.Failure) *chat.Failure {
	kind := class(h.Get(typeHeader))
	if kind == "" {
		return said
	}
	if said == nil {
		said = new(chat.Failure)
	}
	said.Type = kind
	return said
}

// class takes the namespace before a class and the address behind it away.
func class(text string) string {
	text, _, _ = strings.Cut(text, ":")
	return text[strings.LastIndexByte(text, '#')+1:]
}
