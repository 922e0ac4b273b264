package remote

import (
	"encoding/base64"
	"errors"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// medium is what an address led to.
type medium struct {
	mime string
	data []byte
}

// errKind: what came is not what vendors take in its place.
var errKind = errors.New("it is no image and no document that models read")

// images are the types that the vendors of all dialects read.
var images = []string{"image/png", "image/jpeg", "image/gif", "image/webp"} //nolint:gochecknoglobals // never changed

// identify says what the bytes are. They decide, not what the server says: a page of a private network that calls itself an image does not
// reach a model. Text has no marks of its own, so that it is taken for it only where the server says so as well.
func identify(k kind, data []byte, header string) (medium, error) {
	is, _, _ := strings.Cut(http.DetectContentType(data), ";")
	said, _, _ := mime.ParseMediaType(header)
	switch {
	case k != document && slices.Contains(images, is):
	case k != image && is == "application/pdf":
	case k == anything && is == "text/plain" && said == is:
	default:
		return medium{}, errKind
	}
	return medium{mime: is, data: data}, nil
}

// appendDataURL appends the medium as the string of a data URL.
func appendDataURL(dst []byte, m medium) []byte {
	dst = append(append(append(dst, `"data:`...), m.mime...), ";base64,"...)
	return append(base64.StdEncoding.AppendEncode(dst, m.data), '"')
}

// appendSource appends the medium as a source of Messages, which is for images and PDF.
func appendSource(dst []byte, m medium) []byte {
	dst = append(append(append(dst, `{"type":"base64","media_type":"`...), m.mime...), `","data":"`...)
	return append(base64.StdEncoding.AppendEncode(dst, m.data), `"}`...)
}

// appendInlineData appends the medium as the member inlineData of a part of Gemini.
func appendInlineData(dst []byte, m medium) []byte {
	dst = append(append(append(dst, `"inlineData":{"mimeType":"`...), m.mime...), `","data":"`...)
	return append(base64.StdEncoding.AppendEncode(dst, m.data), `"}`...)
}
