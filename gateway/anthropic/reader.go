package anthropic

import (
	"fmt"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/chat"
)

// Reader reads what vendors of this dialect answer. It keeps nothing, and may be used by many at once.
type Reader struct{}

var _ chat.Reader = Reader{}

// Answer reads a message. An error object in its place is an error; Failure says which.
func (Reader) Answer(body []byte) (*chat.Answer, error) {
	var s scanner
	s.Lenient(body)
	a := &chat.Answer{Choices: make([]chat.Choice, 1)}
	m := message{choice: &a.Choices[0]}
	if err := s.Whole(func(name []byte) error { return m.member(&s, name) }); err != nil {
		return nil, err
	}
	switch {
	case m.failure != nil:
		return nil, fmt.Errorf("the vendor answered with an error of type %.60q", m.failure.Type)
	case !m.content:
		return nil, domain.Errorf(domain.CodeInvalid, "the answer is not a message")
	}
	a.ID, a.Report = m.id, m.counts.report()
	m.choice.Native = m.stopReason
	if m.stopReason != "" {
		m.choice.Finish = FinishOf(m.stopReason)
	}
	return a, nil
}

// message is what a vendor's message has.
type message struct {
	choice     *chat.Choice
	id         string
	stopReason string
	content    bool // there is a list of blocks
	counts     counts
	failure    *chat.Failure
}

func (m *message) member(s *scanner, name []byte) (err error) {
	switch string(name) {
	case "id":
		return s.text(&m.id)
	case "stop_reason":
		return s.text(&m.stopReason)
	case "stop_sequence":
		return s.text(&m.choice.Stop)
	case "usage":
		_, err = m.counts.merge(s)
		return err
	case "error":
		m.failure, err = s.failure()
		return err
	case "content":
		m.content, err = s.Array(func(int) error { return m.block(s) })
		return err
	}
	return s.Skip()
}

func (m *message) block(s *scanner) error {
	b, _, err := s.block()
	if err != nil {
		return err
	}
	if p, ok := b.part(); ok {
		m.choice.Parts = append(m.choice.Parts, p)
	}
	return nil
}

// Failure reads the body of an answer whose status says that it failed; nil when there is no error in it.
func (Reader) Failure(body []byte) *chat.Failure {
	var s scanner
	var f *chat.Failure
	s.Lenient(body)
	err := s.Whole(func(name []byte) (err error) {
		if string(name) == "error" {
			f, err = s.failure()
			return err
		}
		return s.Skip()
	})
	if err != nil {
		return nil
	}
	return f
}

// Stream begins to read a stream.
func (Reader) Stream() chat.Decoder { return &decoder{blocks: make(map[int64]*open)} }
