package media_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/media"
	"github.com/massrouter/massrouter/gateway/meter"
)

// part is one part of a form, with a head of its own.
func part(boundary, head, data string) string {
	return "--" + boundary + "\r\n" + head + "\r\n\r\n" + data + "\r\n"
}

const aFile = `Content-Disposition: form-data; name="file"; filename="a.wav"`

func named(name string) string { return fmt.Sprintf(`Content-Disposition: form-data; name="%s"`, name) }

// form has a file and fields, name and value in turns.
func form(boundary string, fields ...string) []byte {
	b := part(boundary, aFile, "RIFF")
	for i := 0; i+1 < len(fields); i += 2 {
		b += part(boundary, named(fields[i]), fields[i+1])
	}
	return []byte(b + "--" + boundary + "--\r\n")
}

func TestBoundary(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"multipart/form-data; boundary=x": "x", `Multipart/Form-Data; boundary="a b"`: "a b", "multipart/form-data": "", "multipart/mixed; boundary=x": "", "application/json": "", "": "",
		"multipart/form-data; boundary=" + strings.Repeat("x", 71): "", "multipart/form-data; boundary=": "",
	} {
		got, ok := media.Boundary(header)
		require.Equal(t, want != "", ok, header)
		if ok {
			require.Equal(t, want, got)
		}
	}
}

func TestHostileForms(t *testing.T) {
	t.Parallel()
	const end = "--x--\r\n"
	model := part("x", named("model"), "m")
	file := part("x", aFile, "RIFF")
	for body, param := range map[string]string{
		``: "", end: "", `{}`: "", file + model: "", model + end: "file", file + end: "model", "--y\r\n\r\n--y--": "",
		part("x", aFile, "") + model + end: "file", file + file + model + end: "file", file + model + model + end: "model", part("x", named("file"), "RIFF") + model + end: "file",
		file + part("x", named("model")+`; filename="m"`, "m") + end: "model", file + model + part("x", `Content-Disposition: form-data; name="other"; filename="b.wav"`, "x") + end: "other",
		file + part("x", named("model"), strings.Repeat("m", 300)) + end: "model", file + part("x", named("model"), "\xff") + end: "model",
		file + model + part("x", named("prompt"), strings.Repeat("p", 64<<10+1)) + end: "prompt", file + model + part("x", named("stream"), "maybe") + end: "stream",
		file + model + part("x", named("response_format"), "xml") + end: "response_format", file + model + part("x", named("stream"), "true") + part("x", named("response_format"), "srt") + end: "stream",
		file + model + part("x", named("provider"), "{") + end: "provider", file + model + part("x", named("plugins"), `[{"id":"web"}]`) + end: "plugins",
		file + model + part("x", named("Model"), "n") + end: "model", file + model + part("x", named("FILE"), "n") + end: "file", file + model + part("x", named("model[]"), "n") + end: "model",
		part("x", aFile+"\r\nContent-Transfer-Encoding: quoted-printable", "RIFF") + model + end: "file", part("x", aFile+"\r\nContent-Transfer-Encoding: base64", "RIFF") + model + end: "file",
		part("x", `Content-Disposition: attachment; name="file"; filename="a"`, "RIFF") + model + end: "", part("x", "X-Other: 1", "a") + file + model + end: "",
		part("x", aFile+"\r\n"+named("model"), "RIFF") + model + end: "", file + model + part("x", named(strings.Repeat("n", 65)), "a") + end: "",
		file + model + part("x", named(`a\"b`), "a") + end: "", file + model + part("x", `Content-Disposition: form-data; name="a b"`, "a") + end: "",
		file + model + strings.Repeat(part("x", named("include[]"), "logprobs"), 70) + end: "",
	} {
		_, err := media.ReadHearing([]byte(body), "x")
		refused(t, err, param, body)
	}
}

// TestFormsAreWrittenAnew: with plain headers, the file's name only as far as it tells the format, and the vendor's model.
func TestFormsAreWrittenAnew(t *testing.T) {
	t.Parallel()
	body := part("x", named("provider"), `{"order":["a"]}`) + part("x", `Content-Disposition: form-data; filename="..\\\"q\";name=\"model\".Mp3"; name="file"`+"\r\nContent-Type: text/html\r\nX-More: 1", "\x00\r\n--y\r\n") +
		part("x", named("include[]"), "logprobs") + part("x", named("include[]"), "other") + part("x", named("model"), "acme/m") + "--x--\r\nmore"
	q, err := media.ReadHearing([]byte(body), "x")
	require.NoError(t, err)
	require.NotEmpty(t, q.Provider)
	kind, parameters, err := mime.ParseMediaType(q.ContentType())
	require.NoError(t, err)
	require.Equal(t, "multipart/form-data", kind)
	r := multipart.NewReader(bytes.NewReader(q.Append(nil, "up")), parameters["boundary"])
	var got []string
	for {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		data, err := io.ReadAll(p)
		require.NoError(t, err)
		got = append(got, fmt.Sprintf("%s %s %d %q", p.FormName(), p.FileName(), len(p.Header), data))
	}
	require.Equal(t, []string{`file audio.mp3 2 "\x00\r\n--y\r\n"`, `include[]  1 "logprobs"`, `include[]  1 "other"`, `model  1 "up"`}, got)
}

// TestSame: the boundary and the order of headers are no part of what is asked, everything else is.
func TestSame(t *testing.T) {
	t.Parallel()
	a := media.Same(form("x", "model", "m", "prompt", "p"), "x")
	require.Equal(t, a, media.Same(form("other", "model", "m", "prompt", "p"), "other"))
	for _, other := range [][]byte{form("x", "model", "m", "prompt", "q"), form("x", "model", "n", "prompt", "p"), form("x", "model", "m"), form("x", "model", "mprompt", "", "p")} {
		require.NotEqual(t, a, media.Same(other, "x"))
	}
	require.Equal(t, []byte("no form"), media.Same([]byte("no form"), "x"))
}

// FuzzHearing: what is taken is a form that has the same fields for whoever reads it, and is held for some time at least.
func FuzzHearing(f *testing.F) {
	f.Add(form("x", "model", "m", "response_format", "text"))
	f.Add(form("x", "model", "m", "include[]", "a", "include[]", "b", "provider", "{}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		q, err := media.ReadHearing(body, "x")
		if err != nil {
			return
		}
		if q.Seconds < 1 {
			t.Fatalf("held for %d seconds", q.Seconds)
		}
		boundary, ok := media.Boundary(q.ContentType())
		if !ok {
			t.Fatal(q.ContentType())
		}
		again, err := media.ReadHearing(q.Append(nil, q.Model), boundary)
		if err != nil || again.Model != q.Model || again.Stream != q.Stream || again.Seconds != q.Seconds {
			t.Fatalf("%v: %+v", err, again)
		}
	})
}

// FuzzWritten: no answer of a vendor's makes it stumble.
func FuzzWritten(f *testing.F) {
	f.Add([]byte(`{"text":"a","duration":1.5,"usage":{"type":"duration","seconds":2}}`))
	f.Add([]byte(`{"type":"transcript.text.done","text":"a","usage":{"input_tokens":1,"input_token_details":{"audio_tokens":1}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		q, err := media.ReadHearing(form("x", "model", "m"), "x")
		if err != nil {
			t.Fatal(err)
		}
		if a, err := q.Answer(body, new(meter.Produced)); err == nil {
			q.AppendAnswer(nil, a, bill(nil))
		}
		if a, err := q.Event(body, new(meter.Produced)); err == nil {
			q.AppendEnd(nil, a.Own(), bill(nil))
		}
	})
}
