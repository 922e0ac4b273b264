package media

import (
	"bytes"
	"encoding/binary"
)

// The least bytes that a second of sound has, by format. What is less is possible for files that nobody records: silence that is packed well.
const (
	leastMP3   = 1000 // 8 kbit/s, the lowest bitrate of the format
	leastOther = 500  // 4 kbit/s: below what encoders of speech go down to
)

// Longest is the most seconds of sound that a file is held for, a begun one being whole:
//
//   - a WAV of plain samples: its bytes, by what its head says of a second;
//   - an MP3: its bytes, at the lowest bitrate that there is;
//   - anything else: its bytes, at a rate below those of encoders of speech, or what the file itself says where that is more.
//
// The last one is no proof: a file of packed silence can be longer, and lie about it. What a vendor counts beyond is charged from what is
// available, never below zero, and is looked at.
func Longest(file []byte) int64 {
	n := int64(len(file))
	switch {
	case isWAV(file):
		if rate := wavRate(file); rate > 0 {
			return atRate(n, rate)
		}
	case isMP3(file):
		return atRate(n, leastMP3)
	}
	return max(atRate(n, leastOther), stated(file))
}

// Length is what the seconds of a file are taken to be where its vendor does not say them: by its head or its frames, else at 32 kbit/s.
func Length(file []byte) int64 {
	const usual = 4000
	n := int64(len(file))
	switch {
	case isWAV(file):
		if rate := wavRate(file); rate > 0 {
			return atRate(n-wavHead, rate)
		}
	case isMP3(file):
		if seconds := mp3Seconds(file); seconds > 0 {
			return seconds
		}
	}
	if seconds := stated(file); seconds > 0 {
		return min(seconds, Longest(file))
	}
	return atRate(n, usual)
}

// atRate is how many seconds so many bytes are, rounded up; at least one.
func atRate(bytes, rate int64) int64 { return max((bytes+rate-1)/rate, 1) }

// maxStated bounds what a file says of itself: a week.
const maxStated = 7 * 24 * 60 * 60

// stated is the duration that a file states, rounded up; 0 when it does not, or cannot mean it.
func stated(file []byte) int64 {
	var units, rate uint64
	switch {
	case bytes.HasPrefix(file, []byte("fLaC")):
		units, rate = flacSamples(file)
	case bytes.HasPrefix(file, []byte("OggS")):
		units, rate = oggSamples(file)
	case len(file) > 8 && string(file[4:8]) == "ftyp":
		units, rate = mp4Units(file)
	}
	if rate == 0 || units/rate > maxStated {
		return 0
	}
	return int64((units + rate - 1) / rate) //nolint:gosec // at most a week
}

// wavHead is the length of the usual head.
const wavHead = 44

func isWAV(file []byte) bool {
	return len(file) > wavHead && string(file[:4]) == "RIFF" && string(file[8:12]) == "WAVE"
}

// wavRate is the bytes of a second of plain samples; 0 for other contents. The bytes are those that follow from the samples: the head's own
// number is one that nobody checks.
func wavRate(file []byte) int64 {
	for at := 12; at+24 <= len(file); {
		size := int(binary.LittleEndian.Uint32(file[at+4:]))
		if string(file[at:at+4]) != "fmt " {
			if size < 0 || size > len(file) {
				return 0
			}
			at += 8 + size + size%2
			continue
		}
		const integers, floats, alaw, mulaw, extensible = 1, 3, 6, 7, 0xfffe
		switch binary.LittleEndian.Uint16(file[at+8:]) {
		case integers, floats, alaw, mulaw, extensible:
		default:
			return 0
		}
		rate := int64(binary.LittleEndian.Uint32(file[at+12:]))
		bits := int64(binary.LittleEndian.Uint16(file[at+22:]))
		channels := int64(binary.LittleEndian.Uint16(file[at+10:]))
		return rate * channels * ((bits + 7) / 8)
	}
	return 0
}

func isMP3(file []byte) bool {
	at := mp3Start(file)
	n, _, _ := mp3Shape(file[min(at, len(file)):])
	return n > 0
}

// mp3Start is where the frames begin, behind the tags.
func mp3Start(file []byte) int {
	const head = 10
	if len(file) < head || string(file[:3]) != "ID3" {
		return 0
	}
	return head + int(file[6]&0x7f)<<21 + int(file[7]&0x7f)<<14 + int(file[8]&0x7f)<<7 + int(file[9]&0x7f)
}

// mp3Rates are the bitrates of MPEG audio layer III in kbit/s, of version 1 and of the others.
var mp3Rates = [2][16]int64{ //nolint:gochecknoglobals // never changed
	{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0},
	{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0},
}

// mp3Shape is the length of the frame at the beginning, its samples and their rate; zeros when there is none (ISO 11172-3, 2.4.2.3).
func mp3Shape(b []byte) (length int, samples, rate int64) {
	const layerIII = 1
	if len(b) < 4 || b[0] != 0xff || b[1]&0xe0 != 0xe0 || b[1]>>1&3 != layerIII {
		return 0, 0, 0
	}
	version, padding := b[1]>>3&3, int64(b[2]>>1&1)
	rates := [...]int64{44100, 48000, 32000, 0}
	rate, samples = rates[b[2]>>2&3], 1152
	table := 0
	if version != 3 {
		table, samples, rate = 1, 576, rate/2
	}
	if version == 0 {
		rate /= 2
	}
	kbit := mp3Rates[table][b[2]>>4]
	if version == 1 || rate == 0 || kbit == 0 {
		return 0, 0, 0
	}
	return int(samples/8*kbit*1000/rate + padding), samples, rate
}

// mp3Seconds adds up the frames of a file, rounded up.
func mp3Seconds(file []byte) int64 {
	micros := int64(0)
	for at := mp3Start(file); at < len(file)-4; {
		n, samples, rate := mp3Shape(file[at:])
		if n == 0 {
			at++
			continue
		}
		micros += samples * 1_000_000 / rate
		at += n
	}
	const second = 1_000_000
	return (micros + second - 1) / second
}

// flacSamples is what STREAMINFO says (RFC 9639, 8.2).
func flacSamples(file []byte) (samples, rate uint64) {
	const head = 8 + 18
	if len(file) < head {
		return 0, 0
	}
	word := binary.BigEndian.Uint64(file[18:])
	return word & (1<<36 - 1), word >> 44
}

// oggSamples is the last granule position (RFC 3533), in units of what the stream's first packet says.
func oggSamples(file []byte) (samples, rate uint64) {
	const head = 27
	last := bytes.LastIndex(file, []byte("OggS"))
	if len(file)-last < head || len(file) < head+16 {
		return 0, 0
	}
	samples = binary.LittleEndian.Uint64(file[last+6:])
	first := file[head:min(len(file), head+64)]
	if bytes.Contains(first, []byte("OpusHead")) {
		return samples, 48000 // RFC 7845, 4
	}
	if i := bytes.Index(first, []byte("\x01vorbis")); i >= 0 && len(first) >= i+16 {
		return samples, uint64(binary.LittleEndian.Uint32(first[i+12:]))
	}
	return 0, 0
}

// mp4Units is what the head of the movie says (ISO 14496-12, 8.2.2).
func mp4Units(file []byte) (units, rate uint64) {
	at := bytes.Index(file, []byte("mvhd"))
	const short, long = 4 + 20, 4 + 32
	if at < 0 || len(file) < at+short {
		return 0, 0
	}
	b := file[at+4:]
	if b[0] == 0 {
		return uint64(binary.BigEndian.Uint32(b[16:])), uint64(binary.BigEndian.Uint32(b[12:]))
	}
	if len(file) < at+long {
		return 0, 0
	}
	return binary.BigEndian.Uint64(b[24:]), uint64(binary.BigEndian.Uint32(b[20:]))
}
