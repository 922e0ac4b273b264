package bedrock

import (
	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
)

// Reader reads what vendors of this dialect answer. It keeps nothing, and may be used by many at once.
type Reader struct{}

var _ chat.Reader = Reader{}

// Answer reads the body of Converse. The vendor gives answers no id: that of the request stands in a header.
func (Reader) Answer(body []byte) (*chat.Answer, error) {
	var s scanner
	s.Lenient(body)
	a := &chat.Answer{Choices: make([]chat.Choice, 1)}
	c := &a.Choices[0]
	var told counts
	there := false
	err := s.Whole(func(name []byte) (err error) {
		switch string(name) {
		case "output":
			_, err = s.Object(func(name []byte) error {
				if string(name) != "message" {
					return s.Skip()
				}
				_, err := s.Object(func(name []byte) (err error) {
					if string(name) != "content" {
						return s.Skip()
					}
					there, err = s.Array(func(int) error { return addBlock(&s, c) })
					return err
				})
				return err
			})
			return err
		case "stopReason":
			return s.text(&c.Native)
		case "usage":
			return told.read(&s)
		case "serviceTier":
			return told.served(&s)
		}
		return s.Skip()
	})
	switch {
	case err != nil:
		return nil, err
	case !there:
		return nil, domain.Errorf(domain.CodeInvalid, "the answer is not a message")
	}
	a.Report = told.report()
	if c.Native != "" {
		c.Finish = FinishOf(c.Native)
	}
	return a, nil
}

// Stream begins to read a stream.
func (Reader) Stream() chat.Decoder { return &decoder{blocks: make(map[int64]*open)} }
