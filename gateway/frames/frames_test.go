package frames_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/massrouter/massrouter/gateway/frames"
)

const limit = 64 << 10

// encoded is a message as Amazon's own encoder writes it; headers are names and values.
func encoded(t require.TestingT, payload string, headers ...string) []byte {
	m := eventstream.Message{Payload: []byte(payload)}
	for i := 0; i+1 < len(headers); i += 2 {
		m.Headers.Set(headers[i], eventstream.StringValue(headers[i+1]))
	}
	var b bytes.Buffer
	require.NoError(t, eventstream.NewEncoder().Encode(&b, m))
	return b.Bytes()
}

func event(t require.TestingT, name, payload string) []byte {
	return encoded(t, payload, ":message-type", "event", ":event-type", name, ":content-type", "application/json")
}

type heard struct{ name, data string }

// all reads to the end.
func all(r io.Reader, buf []byte) (got []heard, err error) {
	f := frames.New(r, buf, limit)
	for {
		name, data, err := f.Next()
		if err != nil {
			return got, err
		}
		got = append(got, heard{string(name), string(data)})
	}
}

// TestWhatIsSentIsHeard, in whatever pieces it comes, and whatever stands between the events.
func TestWhatIsSentIsHeard(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var want []heard
		for range rapid.IntRange(0, 8).Draw(t, "messages") {
			name := rapid.StringMatching(`[a-z]{1,20}`).Draw(t, "name")
			payload := `"` + strings.Repeat("x", rapid.IntRange(0, 6000).Draw(t, "payload")) + `"`
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				stream = append(stream, encoded(t, payload, ":message-type", "exception", ":exception-type", name)...)
				want = append(want, heard{frames.Exception + name, payload})
			case 1:
				stream = append(stream, encoded(t, "", ":message-type", "error", ":error-code", name, ":error-message", payload)...)
				want = append(want, heard{frames.Exception + name, `{"message":"\"` + payload[1:len(payload)-1] + `\""}`})
			case 2:
				stream = append(stream, encoded(t, payload)...) // neither an event nor an error
			default:
				stream = append(stream, event(t, name, payload)...)
				want = append(want, heard{name, payload})
			}
		}
		var r io.Reader = bytes.NewReader(stream)
		switch rapid.IntRange(0, 2).Draw(t, "pieces") {
		case 0:
			r = iotest.OneByteReader(r)
		case 1:
			r = iotest.DataErrReader(r)
		}
		got, err := all(r, make([]byte, 0, rapid.IntRange(0, 5000).Draw(t, "buffer")))
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, want, got)
	})
}

// TestNothingIsHeardOfBytesThatChanged: every byte of a message is under a checksum.
func TestNothingIsHeardOfBytesThatChanged(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		first, second := event(t, "one", `{"a":1}`), event(t, "two", `{"b":2}`)
		at := rapid.IntRange(0, len(second)-1).Draw(t, "at")
		second[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "change"))
		got, err := all(bytes.NewReader(append(bytes.Clone(first), second...)), nil)
		require.ErrorIs(t, err, frames.ErrBroken)
		require.Equal(t, []heard{{"one", `{"a":1}`}}, got)
	})
}

// TestStreamsThatEndEarly tell it.
func TestStreamsThatEndEarly(t *testing.T) {
	t.Parallel()
	whole := event(t, "one", `{"a":1}`)
	for cut := 1; cut < len(whole); cut++ {
		got, err := all(bytes.NewReader(append(bytes.Clone(whole), whole[:cut]...)), nil)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Len(t, got, 1)
	}
	lost := errors.New("lost")
	_, err := all(io.MultiReader(bytes.NewReader(whole), iotest.ErrReader(lost)), nil)
	require.ErrorIs(t, err, lost)
}

// prelude is the beginning of a message with such lengths, and the right checksum of them.
func prelude(total, headers uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, total)
	b = binary.BigEndian.AppendUint32(b, headers)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// TestLengthsAreChecked before anything is waited for or made room for.
func TestLengthsAreChecked(t *testing.T) {
	t.Parallel()
	endless := iotest.ErrReader(errors.New("more was wanted"))
	for name, row := range map[string]struct {
		head []byte
		want error
	}{
		"longer than a stream may be":   {prelude(limit+1, 0), frames.ErrTooLong},
		"four gigabytes":                {prelude(1<<32-1, 0), frames.ErrTooLong},
		"shorter than its own lengths":  {prelude(15, 0), frames.ErrBroken},
		"headers longer than the whole": {prelude(100, 85), frames.ErrBroken},
		"a page":                        {[]byte("<!doctype html><html>"), frames.ErrBroken},
	} {
		_, err := all(io.MultiReader(bytes.NewReader(row.head), endless), nil)
		require.ErrorIs(t, err, row.want, name)
	}
}

// TestWaiting says whether another message is there, so that what is there goes out together.
func TestWaiting(t *testing.T) {
	t.Parallel()
	one := event(t, "one", `{}`)
	stream := append(append(bytes.Clone(one), one...), one[:20]...)
	f := frames.New(bytes.NewReader(stream), make([]byte, 0, 4096), limit)
	_, _, err := f.Next()
	require.NoError(t, err)
	require.True(t, f.Waiting())
	_, _, err = f.Next()
	require.NoError(t, err)
	require.False(t, f.Waiting(), "half of one")
	require.Empty(t, f.Buffer())
	require.Equal(t, 4096, cap(f.Buffer()), "it grows only where it must")
}

// FuzzFrames: whatever comes, no more is kept than a stream may have, and what is heard are messages that Amazon's decoder takes too.
func FuzzFrames(f *testing.F) {
	f.Add(event(f, "messageStart", `{"role":"assistant"}`), true)
	f.Add(encoded(f, `{"message":"no"}`, ":message-type", "exception", ":exception-type", "throttlingException"), false)
	f.Add(prelude(1<<20, 9), false)
	f.Fuzz(func(t *testing.T, stream []byte, slowly bool) {
		const small = 2048
		var r io.Reader = bytes.NewReader(stream)
		if slowly {
			r = iotest.HalfReader(r)
		}
		read, sound, decoder := frames.New(r, nil, small), bytes.NewReader(stream), eventstream.NewDecoder()
		for {
			name, data, err := read.Next()
			require.LessOrEqual(t, cap(read.Buffer()), small)
			if err != nil {
				return
			}
			require.NotEmpty(t, name)
			for {
				m, err := decoder.Decode(sound, nil)
				require.NoError(t, err)
				if kind, ok := m.Headers.Get(":message-type").(eventstream.StringValue); ok && kind == "event" && m.Headers.Get(":event-type") != nil {
					if len(bytes.TrimSpace(m.Payload)) > 0 {
						require.Equal(t, m.Payload, data)
					}
					break
				} else if ok && (kind == "exception" || kind == "error") {
					break
				}
			}
		}
	})
}
