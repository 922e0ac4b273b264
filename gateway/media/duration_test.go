package media_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/massrouter/massrouter/gateway/media"
)

// wav has so many bytes of samples.
func wav(format, channels uint16, rate uint32, bits uint16, n int) []byte {
	b := append([]byte("RIFF\xff\xff\xff\xffWAVELIST\x04\x00\x00\x00INFOfmt \x10\x00\x00\x00"), 0, 0)
	b = b[:len(b)-2]
	b = binary.LittleEndian.AppendUint16(b, format)
	b = binary.LittleEndian.AppendUint16(b, channels)
	b = binary.LittleEndian.AppendUint32(b, rate)
	b = binary.LittleEndian.AppendUint32(b, 1) // what the head says of the bytes of a second counts for nothing
	b = binary.LittleEndian.AppendUint16(b, channels*bits/8)
	b = binary.LittleEndian.AppendUint16(b, bits)
	b = append(b, "data\x00\x00\x00\x00"...)
	return append(b, make([]byte, n)...)
}

// mp3 is so many frames of 128 kbit/s at 44,100 samples a second, behind tags.
func mp3(frames int) []byte {
	b := append([]byte("ID3\x04\x00\x00\x00\x00\x00\x05"), "title"...)
	frame := append([]byte{0xff, 0xfb, 0x90, 0x00}, make([]byte, 413)...)
	return append(b, bytes.Repeat(frame, frames)...)
}

// flac says that it has so many samples.
func flac(samples, rate uint64, n int) []byte {
	b := append([]byte("fLaC\x00\x00\x00\x22"), make([]byte, 10)...)
	b = binary.BigEndian.AppendUint64(b, rate<<44|samples)
	return append(b, make([]byte, n)...)
}

func ogg(granule uint64, first string, n int) []byte {
	page := func(granule uint64) []byte {
		b := append([]byte("OggS\x00\x00"), binary.LittleEndian.AppendUint64(nil, granule)...)
		return append(b, make([]byte, 13)...)
	}
	b := append(append(page(0), first...), make([]byte, n)...)
	return append(b, page(granule)...)
}

func mp4(units, rate uint32, n int) []byte {
	b := append([]byte("\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00mvhd\x00\x00\x00\x00"), make([]byte, 8)...)
	b = binary.BigEndian.AppendUint32(b, rate)
	b = binary.BigEndian.AppendUint32(b, units)
	return append(b, make([]byte, n)...)
}

// TestDurations: the hold is for as many seconds as a file can have, and an estimate is within it.
func TestDurations(t *testing.T) {
	t.Parallel()
	vorbis := "\x01vorbis\x00\x00\x00\x00\x02\x40\x1f\x00\x00\x00\x00\x00"
	for name, row := range map[string]struct {
		file            []byte
		longest, length int64
	}{
		"wav, 16 bits in stereo":  {wav(1, 2, 8000, 16, 32_000*10), 11, 11},
		"wav, floats":             {wav(3, 1, 16000, 32, 64_000), 2, 2},
		"wav of something packed": {wav(0x55, 1, 8000, 0, 50_000), 101, 13},
		"wav without a rate":      {wav(1, 1, 0, 16, 50_000), 101, 13},
		"mp3":                     {mp3(383), 160, 11},
		"flac":                    {flac(44100*90, 44100, 5000), 90, 90},
		"flac that says less":     {flac(44100, 44100, 50_000), 101, 1},
		"flac that says nonsense": {flac(1<<36-1, 1, 5000), 11, 2},
		"flac without a rate":     {flac(1<<30, 0, 5000), 11, 2},
		"opus":                    {ogg(48000*30+1, "OpusHead\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00", 100), 31, 31},
		"vorbis":                  {ogg(8000*20, vorbis, 100), 20, 20},
		"ogg of something else":   {ogg(1<<40, "something else entirely, as it is", 4000), 9, 2},
		"mp4":                     {mp4(1000*61, 1000, 100), 61, 61},
		"mp4 without units":       {mp4(1000, 0, 100), 1, 1},
		"webm":                    {append([]byte("\x1a\x45\xdf\xa3"), make([]byte, 8000)...), 17, 3},
		"one byte":                {[]byte{0}, 1, 1},
		"a head that is cut off":  {[]byte("RIFF\x00\x00\x00\x00WAVEfmt "), 1, 1},
		"flac that is cut off":    {[]byte("fLaC"), 1, 1},
		"ogg that is cut off":     {[]byte("OggS"), 1, 1},
		"mp4 that is cut off":     {[]byte("\x00\x00\x00\x18ftypmvhd"), 1, 1},
		"tags that go on":         {[]byte("ID3\x04\x00\x00\x7f\x7f\x7f\x7f"), 1, 1},
	} {
		require.Equal(t, row.longest, media.Longest(row.file), name)
		require.Equal(t, row.length, media.Length(row.file), name)
	}
}

// FuzzDurations: whatever the bytes, an estimate is not above what was held.
func FuzzDurations(f *testing.F) {
	for _, file := range [][]byte{wav(1, 1, 8000, 16, 100), mp3(3), flac(1, 2, 3), ogg(7, "OpusHead", 60), mp4(5, 6, 7)} {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		longest, length := media.Longest(file), media.Length(file)
		if longest < 1 || length < 1 || length > longest {
			t.Fatalf("%d of %d seconds", length, longest)
		}
	})
}
