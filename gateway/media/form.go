package media

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"unicode/utf8"

	"github.com/massrouter/massrouter/domain"
	"github.com/massrouter/massrouter/gateway/openai/scan"
)

// Bounds of a form. Its bytes are bounded by whoever reads it from the network; nothing of it is ever put on a disk.
const (
	maxParts = 64
	maxName  = 64       // bytes of a field's name
	maxField = 64 << 10 // bytes of a field that is no file
)

// field is a part of a form.
type field struct {
	name string
	file bool
	ext  string // of the file's name, in lower case, without the dot; "" for none that is known
	data []byte
}

// Boundary is the boundary that a Content-Type names; ok is false when it is not that of a form.
func Boundary(contentType string) (boundary string, ok bool) {
	kind, parameters, err := mime.ParseMediaType(contentType)
	const longest = 70 // RFC 2046, 5.1.1
	boundary = parameters["boundary"]
	return boundary, err == nil && kind == "multipart/form-data" && boundary != "" && len(boundary) <= longest
}

// readForm takes a form apart. Errors are invalid_request. A name that is given twice is refused, unless it is that of a list.
func readForm(body []byte, boundary string) ([]field, error) {
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	var fields []field
	seen := make(map[string]bool)
	for {
		part, err := r.NextRawPart()
		switch {
		case errors.Is(err, io.EOF) && len(fields) > 0:
			return fields, nil
		case err != nil:
			return nil, broken(err)
		case len(fields) == maxParts:
			return nil, domain.Errorf(domain.CodeInvalid, "a form has at most %d parts", maxParts)
		}
		f, err := readField(part)
		if err != nil {
			return nil, err
		}
		if seen[f.name] && !strings.HasSuffix(f.name, "[]") {
			return nil, scan.Refuse(f.name, "%s is given twice", f.name)
		}
		seen[f.name] = true
		fields = append(fields, f)
	}
}

func broken(err error) error {
	return domain.Errorf(domain.CodeInvalid, "the body is no form that can be read").Wrap(err)
}

func readField(part *multipart.Part) (field, error) {
	f := field{name: part.FormName()}
	disposition, parameters, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	switch {
	case err != nil || disposition != "form-data" || len(part.Header.Values("Content-Disposition")) != 1:
		return f, domain.Errorf(domain.CodeInvalid, "each part of a form has one Content-Disposition, form-data")
	case f.name == "" || len(f.name) > maxName || strings.ContainsFunc(f.name, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' }):
		return f, domain.Errorf(domain.CodeInvalid, "each part of a form has a name of 1 to %d plain characters", maxName)
	}
	switch encoding := strings.ToLower(part.Header.Get("Content-Transfer-Encoding")); encoding {
	case "", "binary", "8bit", "7bit":
	default:
		return f, scan.Refuse(f.name, "%s is sent without a transfer encoding", f.name)
	}
	name, named := parameters["filename"]
	f.file, f.ext = named, extension(name)
	if f.data, err = io.ReadAll(part); err != nil {
		return f, broken(err)
	}
	switch {
	case f.file:
	case len(f.data) > maxField:
		return f, scan.Refuse(f.name, "%s has at most %d bytes", f.name, maxField)
	case !utf8.Valid(f.data):
		return f, scan.Refuse(f.name, "%s is not valid UTF-8", f.name)
	}
	return f, nil
}

// extension is the end of a file's name that tells its format; all else of the name is nobody's business.
func extension(name string) string {
	ext := strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	switch ext {
	case "flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "oga", "opus", "wav", "webm", "aac":
		return ext
	}
	return ""
}

// boundaryOf is a boundary that no part of a body can have in it: nobody can write a text that has its own hash in it.
func boundaryOf(body []byte) string {
	sum := sha256.Sum256(body)
	return "massrouter-" + hex.EncodeToString(sum[:16])
}

// appendForm appends fields as a form: with plain headers only, so that everybody reads it in one way.
func appendForm(dst []byte, fields []field, boundary string) []byte {
	for i := range fields {
		f := &fields[i]
		dst = append(append(append(dst, "--"...), boundary...), "\r\nContent-Disposition: form-data; name=\""...)
		dst = append(append(dst, f.name...), '"')
		if f.file {
			dst = append(append(dst, "; filename=\"audio"...), dotted(f.ext)...)
			dst = append(dst, "\"\r\nContent-Type: application/octet-stream"...)
		}
		dst = append(append(append(dst, "\r\n\r\n"...), f.data...), "\r\n"...)
	}
	return append(append(append(dst, "--"...), boundary...), "--\r\n"...)
}

func dotted(ext string) string {
	if ext == "" {
		return ""
	}
	return "." + ext
}

// Same is what makes two forms the same: their fields, whatever stands between them. Clients choose another boundary each time. A form that
// cannot be read is the same as itself only.
func Same(body []byte, boundary string) []byte {
	fields, err := readForm(body, boundary)
	if err != nil {
		return body
	}
	var b []byte
	for i := range fields {
		f := &fields[i]
		for _, v := range [][]byte{[]byte(f.name), []byte(f.ext), f.data} {
			b = append(binary.AppendUvarint(b, uint64(len(v))), v...)
		}
	}
	return b
}
