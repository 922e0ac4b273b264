package sim_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/internal/sim"
)

func (b *bundle) draw(t *testing.T, body string) (int, string) {
	t.Helper()
	answer, text := b.send(t, http.MethodPost, "/v1/images/generations", body, "Authorization", "Bearer "+apiKey, "Content-Type", "application/json")
	return answer.StatusCode, text
}

type drawn struct {
	Data []struct {
		Image string `json:"b64_json"`
		URL   string
	}
	Size, Quality string
	Usage         *struct {
		Input  int64 `json:"input_tokens"`
		Output int64 `json:"output_tokens"`
		Total  int64 `json:"total_tokens"`
	}
}

// TestImages: by tokens or by the image, as the model is, and what is told is booked.
func TestImages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var r drawn
	status, text := b.draw(t, `{"model":"gpt-image-1","prompt":"a tree","n":2,"size":"1536x1024","quality":"low"}`)
	require.Equal(t, 200, status, text)
	parse(t, text, &r)
	require.Len(t, r.Data, 2)
	require.NotEqual(t, r.Data[0].Image, r.Data[1].Image)
	for _, d := range r.Data {
		raw, err := base64.StdEncoding.DecodeString(d.Image)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(raw), "\x89PNG"))
	}
	require.Equal(t, [3]int64{2, 800, 802}, [3]int64{r.Usage.Input, r.Usage.Output, r.Usage.Total})
	require.Equal(t, [2]string{"1536x1024", "low"}, [2]string{r.Size, r.Quality})
	r = drawn{}
	status, text = b.draw(t, `{"model":"dall-e-3","prompt":"a tree"}`)
	require.Equal(t, 200, status, text)
	parse(t, text, &r)
	require.Nil(t, r.Usage)
	require.NotEmpty(t, r.Data[0].URL)
	require.Equal(t, sim.Row{Calls: 2, Completed: 2, Reported: sim.Usage{Prompt: 2, Completion: 800, Images: 3}}, b.Totals().Dialects["images"])
}

func TestStreamedImages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	status, text := b.draw(t, `{"model":"m?tokens=40","prompt":"a tree","stream":true,"partial_images":3}`)
	require.Equal(t, 200, status)
	require.Equal(t, 3, strings.Count(text, "event: image_generation.partial_image\n"))
	require.Equal(t, 1, strings.Count(text, "event: image_generation.completed\n"))
	require.Contains(t, text, `"output_tokens":40`)
	require.Equal(t, sim.Usage{Prompt: 2, Completion: 40, Images: 1}, b.Totals().Dialects["images"].Reported)
}

func TestImagesBadRequests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, says := range map[string]string{
		`{"prompt":"a"}`: "'model'", `{"model":"m"}`: "'prompt'", `{"model":"m","prompt":""}`: "prompt", `{"model":"m","prompt":"a","n":0}`: "n", `{"model":"m","prompt":"a","n":11}`: "n",
		`{"model":"m","prompt":"a","size":"1x1"}`: "size", `{"model":"m","prompt":"a","response_format":"url"}`: "response_format", `{"model":"dall-e-3","prompt":"a","n":2}`: "n=1",
		`{"model":"dall-e-2","prompt":"a","stream":true}`: "stream", `{"model":"m","prompt":"a","stream":true,"n":2}`: "one image", `{"model":"m","prompt":"a","provider":{}}`: "provider",
	} {
		status, text := b.draw(t, body)
		require.Equal(t, 400, status, "%.80s", body)
		require.Contains(t, text, says, "%.80s", body)
	}
}
