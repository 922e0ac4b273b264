package gemini

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/massrouter/massrouter/gateway/chat"
)

// form is what a caller says about the form of the answer's text.
type form struct {
	mime   string
	schema jsontext.Value
}

// generation reads one member of generationConfig.
func (q *incoming) generation(name string) (err error) {
	if q.Kind() == 'n' {
		return q.Skip()
	}
	switch name {
	case "temperature":
		q.Temperature, err = q.number()
	case "topP":
		q.TopP, err = q.number()
	case "topK":
		q.TopK, err = q.number()
	case "seed":
		q.Seed, err = q.number()
	case "presencePenalty":
		q.PresencePenalty, err = q.number()
	case "frequencyPenalty":
		q.FrequencyPenalty, err = q.number()
	case "maxOutputTokens":
		q.MaxTokens, _, err = q.whole(1, MaxCap)
	case "candidateCount":
		q.Choices, _, err = q.whole(1, MaxChoices)
	case "stopSequences":
		q.Stop, err = q.strings(MaxChoices)
	case "responseMimeType":
		q.form.mime, err = q.string()
	case "responseSchema", "responseJsonSchema", "_responseJsonSchema":
		err = q.answerSchema(name == "responseSchema")
	case "thinkingConfig":
		err = q.fields(q.thinkingConfig)
	case "responseModalities":
		err = q.modalities()
	case "mediaResolution":
		err = q.resolution()
	default:
		err = q.leaveOut()
	}
	return err
}

func (q *incoming) answerSchema(openAPI bool) error {
	if q.form.schema != nil {
		return q.refuse("is a second schema of the answer")
	}
	v, err := q.schema(openAPI)
	q.form.schema = v
	return err
}

func (q *incoming) modalities() error {
	all, err := q.strings(MaxChoices)
	if err != nil {
		return err
	}
	for _, one := range all {
		if !strings.EqualFold(one, "text") {
			return q.note()
		}
	}
	return nil
}

func (q *incoming) resolution() error {
	resolution, err := q.string()
	if err != nil {
		return err
	}
	switch resolution {
	case "", "MEDIA_RESOLUTION_UNSPECIFIED":
		return nil
	case lowResolution:
		q.low = true
		return nil
	}
	return q.note()
}

// dynamic is a budget that the model chooses.
const dynamic = -1

func (q *incoming) thinkingConfig(name string) (err error) {
	switch name {
	case "includeThoughts":
		q.Reasoning.Show, err = q.boolean()
	case "thinkingBudget":
		var budget int64
		var given bool
		if budget, given, err = q.whole(dynamic, MaxCap); err != nil || !given || budget == dynamic {
			return err
		}
		if q.Reasoning.Effort != "" {
			return q.refuse("cannot stand beside thinkingLevel")
		}
		q.Reasoning.Budget, q.Reasoning.Off = budget, budget == 0
	case "thinkingLevel":
		var level string
		if level, err = q.string(); err != nil {
			return err
		}
		switch level = strings.ToLower(level); level {
		case "", "thinking_level_unspecified":
			return nil
		case "minimal", "low", "medium", "high":
			q.Reasoning.Effort = level
		default:
			return q.refuse("is MINIMAL, LOW, MEDIUM or HIGH")
		}
		if q.Reasoning.Budget != 0 || q.Reasoning.Off {
			return q.refuse("cannot stand beside thinkingBudget")
		}
	default:
		err = q.leaveOut()
	}
	return err
}

// settle makes the form of the answer of what was said about it.
func (q *incoming) settle() error {
	q.path = []string{"generationConfig", "responseMimeType"}
	switch q.form.mime {
	case "", plainText:
		if q.form.schema != nil {
			return q.refuse("is application/json where there is a schema")
		}
		if q.form.mime != "" {
			q.Format.Kind = chat.PlainText
		}
	case jsonText:
		q.Format.Kind = chat.JSONObject
		if q.form.schema != nil {
			q.Format.Kind, q.Format.Schema = chat.JSONSchema, q.form.schema
		}
	default:
		return q.note() // text/x.enum
	}
	return nil
}
