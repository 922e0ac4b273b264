package sdktest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/stretchr/testify/require"
)

// made is what a client made of an answer of images, speech or transcriptions.
type made struct {
	images     [][]byte
	sound      []byte
	text       string
	generation string
	completion int64
	cost       string // what the client shows of it; "" if it has no place for it
}

// studio is a client that can ask for images, speech and transcriptions, each in all ways that it has.
type studio interface {
	draw(ctx context.Context, model, prompt string) ([]*made, error)
	speak(ctx context.Context, model, text string) ([]*made, error)
	transcribe(ctx context.Context, model string, sound io.Reader) ([]*made, error)
}

// medium is what the rows of media have in common: vendors of other dialects than OpenAI's have none of it.
func (p *probe) medium(operation string, ask func(s studio) ([]*made, error), check func(m *made)) string {
	p.Helper()
	s, ok := p.client.(studio)
	if !ok {
		return noWord
	}
	answers, err := ask(s)
	if p.vendor.Dialect != "openai" {
		status, message := p.client.refused(err)
		require.Equal(p, http.StatusBadRequest, status, "%v", err)
		require.Contains(p, message, "has no vendor that can be asked for "+operation)
		return refused
	}
	require.NoError(p, err)
	require.NotEmpty(p, answers)
	for _, m := range answers {
		check(m)
		require.Regexp(p, `^gen-[0-9a-f-]{36}$`, m.generation)
		g, err := generationOf(m.generation)
		require.NoError(p, err)
		require.Positive(p, g.Completion)
		require.Regexp(p, `^0\.0*[1-9]`, g.TotalCost.String())
		if m.cost != "" {
			require.Equal(p, g.TotalCost.String(), m.cost)
			require.Equal(p, g.Completion, m.completion)
		}
	}
	return yes
}

func images(p *probe) string {
	return p.medium("images", func(s studio) ([]*made, error) {
		return s.draw(p.Context(), p.vendor.ID+"/"+muse, p.mark("A lighthouse"))
	}, func(m *made) {
		require.NotEmpty(p, m.images)
		for _, image := range m.images {
			require.True(p, strings.HasPrefix(string(image), "\x89PNG"))
		}
		require.NotEmpty(p, m.cost)
	})
}

// speech: the bytes are the vendor's, as such and in events.
func speech(p *probe) string {
	const text = "The ledger balances."
	var want []byte
	if p.vendor.Dialect == "openai" {
		body := strings.NewReader(`{"model":"` + muse + `","input":"` + text + `","voice":"alloy"}`)
		req, err := http.NewRequestWithContext(p.Context(), http.MethodPost, shared.SimURL+"/v1/audio/speech", body)
		require.NoError(p, err)
		req.Header.Set("Authorization", "Bearer "+shared.VendorKey)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		require.NoError(p, err)
		defer func() { require.NoError(p, res.Body.Close()) }()
		want, err = io.ReadAll(res.Body)
		require.NoError(p, err)
	}
	return p.medium("speech", func(s studio) ([]*made, error) { return s.speak(p.Context(), p.vendor.ID+"/"+muse, text) }, func(m *made) {
		require.True(p, string(want) == string(m.sound), "%d bytes in place of %d", len(m.sound), len(want)) //nolint:testifylint // nobody can read them
	})
}

func transcriptions(p *probe) string {
	return p.medium("transcriptions", func(s studio) ([]*made, error) {
		return s.transcribe(p.Context(), p.vendor.ID+"/"+muse, openai.File(strings.NewReader("RIFF "+p.mark("sound")), "talk.wav", "audio/wav"))
	}, func(m *made) {
		require.Greater(p, len(strings.Fields(m.text)), 10)
		require.NotEmpty(p, m.cost)
	})
}

// last is the generation of the client's last answer.
func (c openAIClient) last(m *made) *made {
	m.generation = c.wire.last()
	return m
}

// costIn is the cost in a usage.
func costIn(usage string) (string, error) {
	var u struct {
		Cost json.Number `json:"cost"`
	}
	err := json.Unmarshal([]byte(usage), &u)
	return u.Cost.String(), err
}

func (c openAIClient) draw(ctx context.Context, model, prompt string) ([]*made, error) {
	p := openai.ImageGenerateParams{Model: model, Prompt: prompt, N: openai.Int(2), Quality: openai.ImageGenerateParamsQualityLow}
	r, err := c.Images.Generate(ctx, p)
	if err != nil {
		return nil, err
	}
	whole := c.last(&made{completion: r.Usage.OutputTokens, cost: r.Usage.JSON.ExtraFields["cost"].Raw()})
	for _, d := range r.Data {
		image, err := base64.StdEncoding.DecodeString(d.B64JSON)
		if err != nil {
			return nil, err
		}
		whole.images = append(whole.images, image)
	}
	p.N, p.PartialImages = openai.Int(1), openai.Int(2)
	stream := c.Images.GenerateStreaming(ctx, p)
	defer func() { _ = stream.Close() }()
	streamed := new(made)
	for stream.Next() {
		event := stream.Current()
		image, err := base64.StdEncoding.DecodeString(event.B64JSON)
		if err != nil {
			return nil, err
		}
		streamed.images = append(streamed.images, image)
		if event.Type == "image_generation.completed" {
			streamed.completion = event.Usage.OutputTokens
			if streamed.cost, err = costIn(event.JSON.Usage.Raw()); err != nil {
				return nil, err
			}
		}
	}
	if len(streamed.images) != 3 && stream.Err() == nil {
		return nil, errors.New("the stream did not have three images")
	}
	return []*made{whole, c.last(streamed)}, stream.Err()
}

func (c openAIClient) speak(ctx context.Context, model, text string) ([]*made, error) {
	p := openai.AudioSpeechNewParams{Model: model, Input: text, Voice: openai.AudioSpeechNewParamsVoiceUnion{OfString: openai.String("alloy")}}
	r, err := c.Audio.Speech.New(ctx, p)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Body.Close() }()
	sound, err := io.ReadAll(r.Body)
	return []*made{c.last(&made{sound: sound})}, err
}

func (c openAIClient) transcribe(ctx context.Context, model string, sound io.Reader) ([]*made, error) {
	p := openai.AudioTranscriptionNewParams{Model: model, File: sound}
	r, err := c.Audio.Transcriptions.New(ctx, p)
	if err != nil {
		return nil, err
	}
	cost, err := costIn(r.JSON.Usage.Raw())
	if err != nil {
		return nil, err
	}
	whole := c.last(&made{text: r.Text, completion: r.Usage.OutputTokens, cost: cost})
	p.File = openai.File(strings.NewReader("RIFF more sound"), "talk.wav", "audio/wav")
	stream := c.Audio.Transcriptions.NewStreaming(ctx, p)
	defer func() { _ = stream.Close() }()
	streamed := new(made)
	for stream.Next() {
		event := stream.Current()
		streamed.text += event.Delta
		if event.Type == "transcript.text.done" {
			streamed.completion = event.Usage.OutputTokens
			if streamed.cost, err = costIn(event.JSON.Usage.Raw()); err != nil {
				return nil, err
			}
		}
	}
	return []*made{whole, c.last(streamed)}, stream.Err()
}
