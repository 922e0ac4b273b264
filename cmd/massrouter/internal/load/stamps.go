package load

import "bytes"

// stamps finds the times in a simulated vendor's text (its control "stamped": @nanoseconds since 1970;), wherever the text
// is cut. A time that is not later than the last one is a repetition of text that was there before.
type stamps struct {
	last   int64
	value  int64
	inside bool
}

func (s *stamps) scan(part []byte, found func(nanoseconds int64)) {
	for len(part) > 0 {
		if !s.inside {
			i := bytes.IndexByte(part, '@')
			if i < 0 {
				return
			}
			part, s.inside, s.value = part[i+1:], true, 0
			continue
		}
		c := part[0]
		part = part[1:]
		switch {
		case c >= '0' && c <= '9' && s.value < 1e18:
			s.value = 10*s.value + int64(c-'0')
			continue
		case c == ';' && s.value > s.last:
			s.last = s.value
			found(s.value)
		}
		s.inside = c == '@'
		s.value = 0
	}
}
