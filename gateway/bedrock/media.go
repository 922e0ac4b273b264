package bedrock

import (
	"strconv"
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
	"github.com/massrouter/massrouter/gateway/chat/turns"
)

// formats are the vendor's words for types of media.
func imageFormat(mime string) string {
	switch mime {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return strings.TrimPrefix(mime, "image/")
	case "image/jpg":
		return "jpeg"
	}
	return ""
}

func documentFormat(mime string) string {
	switch mime {
	case "application/pdf":
		return "pdf"
	case "text/plain":
		return "txt"
	case "text/csv":
		return "csv"
	case "text/html":
		return "html"
	case "text/markdown":
		return "md"
	case "application/msword":
		return "doc"
	case "application/vnd.openxmlformats-officedocument.wordprocessingml.document":
		return "docx"
	case "application/vnd.ms-excel":
		return "xls"
	case "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":
		return "xlsx"
	}
	return ""
}

func audioFormat(mime string) string {
	switch mime {
	case "audio/wav", "audio/x-wav", "audio/wave":
		return "wav"
	case "audio/mpeg", "audio/mp3":
		return "mp3"
	case "audio/flac", "audio/ogg", "audio/aac", "audio/opus", "audio/webm", "audio/mp4", "audio/m4a":
		return strings.TrimPrefix(mime, "audio/")
	}
	return ""
}

func (w *writer) image(p *chat.Part, at turns.Place) error {
	m := p.Media
	if m.Detail == "low" {
		if err := w.Cannot(at.String()+".image_url.detail", "the vendor looks at all images closely"); err != nil {
			return err
		}
	}
	format := imageFormat(m.MIME)
	switch {
	case m.URL != "":
		return chat.Unsupported(at.String(), "the vendor fetches no images: send it as a data URL")
	case format == "":
		return chat.Unsupported(at.String(), "the vendor takes images of types image/jpeg, image/png, image/gif and image/webp")
	}
	w.Raw(`{"image":{"format":"` + format + `","source":{"bytes":`)
	w.Text(m.Data)
	w.Raw(`}}}`)
	return nil
}

func (w *writer) document(p *chat.Part, at turns.Place) error {
	m := p.Media
	format := documentFormat(m.MIME)
	switch {
	case m.URL != "":
		return chat.Unsupported(at.String(), "the vendor fetches no files: send its data")
	case format == "":
		return chat.Unsupported(at.String(), "the vendor takes PDF, plain text, CSV, HTML, Markdown, Word and Excel")
	}
	w.Raw(`{"document":{"format":"` + format + `","name":`)
	w.Text(w.documentName(m.Name))
	w.Raw(`,"source":{"bytes":`)
	w.Text(m.Data)
	w.Raw(`}}}`)
	return nil
}

func (w *writer) audio(p *chat.Part, at turns.Place) error {
	format := audioFormat(p.Media.MIME)
	if p.Media.URL != "" || format == "" {
		return chat.Unsupported(at.String(), "the vendor takes sound as data, in WAV, MP3, FLAC, Ogg, AAC, Opus, WebM or MP4")
	}
	w.Raw(`{"audio":{"format":"` + format + `","source":{"bytes":`)
	w.Text(p.Media.Data)
	w.Raw(`}}}`)
	return nil
}

// longestName is how many bytes of a document's name are kept.
const longestName = 100

// documentName is a name that the vendor takes: letters, digits, hyphens, brackets and single blanks, and no two of a call alike.
func (w *writer) documentName(given string) string {
	var b strings.Builder
	for i := 0; i < len(given) && b.Len() < longestName; i++ {
		switch c := given[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("()[]-", c) >= 0:
			b.WriteByte(c)
		case c == ' ' && strings.HasSuffix(b.String(), " "):
		case c == ' ':
			b.WriteByte(c)
		default:
			b.WriteByte('-')
		}
	}
	base := strings.TrimSpace(b.String())
	if base == "" {
		base = "document"
	}
	if w.names == nil {
		w.names = make(map[string]bool)
	}
	name := base
	for n := 2; w.names[name]; n++ {
		name = base + "-" + strconv.Itoa(n)
	}
	w.names[name] = true
	return name
}
