package catalog

import (
	"regexp"
	"slices"
	"strings"

	"github.com/massrouter/massrouter/domain"
)

const (
	maxDescription = 4000 // bytes
	maxModalities  = 20
	maxParameters  = 100
)

var wordPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._+-]{0,59}$`)

// CheckModelID refuses what is no model id ("author/slug") with code invalid_request.
func CheckModelID(id string) error {
	if !modelPattern.MatchString(id) {
		return domain.Errorf(domain.CodeInvalid, "a model id has the form author/slug in lower case")
	}
	return nil
}

// Publish decides that a model is published whole (C1). Errors: invalid_request, conflict.
func (s *ModelState) Publish(m Model) (ModelPublished, error) {
	if err := CheckModelID(m.ID); err != nil {
		return ModelPublished{}, err
	}
	if s.Published && s.Model.ID != m.ID {
		return ModelPublished{}, domain.Errorf(domain.CodeConflict, "a model keeps its id")
	}
	if err := m.checkText(); err != nil {
		return ModelPublished{}, err
	}
	if err := checkLengths(m.ContextLength, m.MaxCompletionTokens); err != nil {
		return ModelPublished{}, err
	}
	if err := m.checkWords(); err != nil {
		return ModelPublished{}, err
	}
	m.ReleasedAt = domain.Moment(m.ReleasedAt)
	if err := domain.CheckMoment("released_at", m.ReleasedAt); err != nil {
		return ModelPublished{}, err
	}
	if err := m.Status.check(); err != nil {
		return ModelPublished{}, err
	}
	facts, err := m.Facts.Normal()
	if err != nil {
		return ModelPublished{}, err
	}
	m.Facts = facts
	m.InputModalities = append([]string{}, m.InputModalities...) // lists also when they are empty, for readers of the event
	m.OutputModalities = append([]string{}, m.OutputModalities...)
	m.SupportedParameters = slices.Clone(m.SupportedParameters)
	return ModelPublished{m}, nil
}

func (m Model) checkText() error {
	if err := domain.CheckTextSize("name", m.Name, 1, maxName); err != nil {
		return err
	}
	// A description may have paragraphs.
	if len(m.Description) > maxDescription {
		return domain.Errorf(domain.CodeInvalid, "description has at most %d bytes", maxDescription)
	}
	if err := domain.CheckText("description", strings.ReplaceAll(m.Description, "\n", "")); err != nil {
		return err
	}
	return domain.CheckTextSize("tokenizer", m.Tokenizer, 0, maxName)
}

func (m Model) checkWords() error {
	for _, list := range []struct {
		field string
		words []string
		most  int
	}{
		{"input_modalities", m.InputModalities, maxModalities},
		{"output_modalities", m.OutputModalities, maxModalities},
		{"supported_parameters", m.SupportedParameters, maxParameters},
	} {
		if len(list.words) > list.most {
			return domain.Errorf(domain.CodeInvalid, "%s has at most %d items", list.field, list.most)
		}
		for i, w := range list.words {
			if !wordPattern.MatchString(w) || slices.Contains(list.words[:i], w) {
				return domain.Errorf(domain.CodeInvalid, "%s has different words of a-z, 0-9, '.', '_', '+' or '-'", list.field)
			}
		}
	}
	return nil
}

func checkLengths(context, completion int64) error {
	if context < 1 || context > maxTokens {
		return domain.Errorf(domain.CodeInvalid, "context_length is between 1 and %d", maxTokens)
	}
	if completion < 1 || completion > context {
		return domain.Errorf(domain.CodeInvalid, "max_completion_tokens is between 1 and context_length")
	}
	return nil
}
