package openai

import (
	"strings"

	"github.com/massrouter/massrouter/gateway/chat"
)

// MediaOf reads an address: http, https, or a data URL in base64. ok is false for anything else.
func MediaOf(url string) (m *chat.Media, ok bool) {
	scheme, rest, _ := strings.Cut(url, ":")
	switch strings.ToLower(scheme) {
	case "http", "https":
		return &chat.Media{URL: url}, strings.HasPrefix(rest, "//")
	case "data":
		head, data, found := strings.Cut(rest, ",")
		mime, parameters, _ := strings.Cut(head, ";")
		last := parameters[strings.LastIndexByte(parameters, ';')+1:]
		return &chat.Media{MIME: strings.ToLower(mime), Data: data}, found && strings.EqualFold(last, "base64") && data != ""
	}
	return nil, false
}

// AddressOf is where a medium is, or the medium itself as a data URL. fallback is its type if that is not known.
func AddressOf(m *chat.Media, fallback string) string {
	if m.Data == "" {
		return m.URL
	}
	mime := m.MIME
	if mime == "" {
		mime = fallback
	}
	return "data:" + mime + ";base64," + m.Data
}

// The names of sound formats that are not those of their types.
const (
	audioWAV, formatWAV = "audio/wav", "wav"
	audioMP3, formatMP3 = "audio/mpeg", "mp3"
	audioPrefix         = "audio/"
)

// AudioType is the type of a format's sound.
func AudioType(format string) string {
	switch format {
	case "":
		return ""
	case formatMP3:
		return audioMP3
	}
	return audioPrefix + format
}

// audioFormat is the dialect's name of a sound's type.
func audioFormat(mime string) string {
	switch mime {
	case "", "audio/x-wav", "audio/wave":
		return formatWAV
	case audioMP3:
		return formatMP3
	}
	return strings.TrimPrefix(mime, audioPrefix)
}
