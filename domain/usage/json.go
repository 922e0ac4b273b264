package usage

import (
	"slices"
	"strconv"

	"github.com/massrouter/massrouter/domain"
)

// AppendJSON appends the stored form: an object with its classes in alphabetical order.
func (u Usage) AppendJSON(dst []byte) ([]byte, error) {
	if u == nil {
		return append(dst, "null"...), nil
	}
	var room [16]Class
	classes := room[:0]
	for class := range u {
		classes = append(classes, class)
	}
	slices.Sort(classes)
	dst = append(dst, '{')
	for i, class := range classes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(domain.AppendString(dst, string(class)), ':')
		dst = strconv.AppendInt(dst, u[class], 10)
	}
	return append(dst, '}'), nil
}

// AppendJSON appends the stored form of line items.
func AppendJSON(dst []byte, items []LineItem) ([]byte, error) {
	if items == nil {
		return append(dst, "null"...), nil
	}
	dst = append(dst, '[')
	for i, item := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = item.appendJSON(dst); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

func (l LineItem) appendJSON(dst []byte) ([]byte, error) {
	o := domain.BeginObject(dst)
	o.String("class", string(l.Class))
	o.Int("quantity", l.Quantity)
	o.Value("price", l.Price.AppendJSON)
	o.Value("amount", l.Amount.AppendJSON)
	return o.End()
}

// ReadJSON reads the stored form at the beginning of b and returns what follows it.
func (u *Usage) ReadJSON(b []byte) (rest []byte, ok bool) {
	if len(b) < 2 || b[0] != '{' {
		return nil, false
	}
	*u = make(Usage, 4)
	if b[1] == '}' {
		return b[2:], true
	}
	for b = b[1:]; ; b = b[1:] {
		class, after, ok := domain.ReadString(b)
		if !ok || len(after) == 0 || after[0] != ':' {
			return nil, false
		}
		n, after, ok := domain.ReadInt(after[1:])
		if !ok || after[0] == ']' {
			return nil, false
		}
		(*u)[classOf(class)] = n
		if b = after; b[0] == '}' {
			return b[1:], true
		}
	}
}

// ReadJSON reads the stored form of line items at the beginning of b and returns what follows it.
func ReadJSON(b []byte) (items []LineItem, rest []byte, ok bool) {
	items = make([]LineItem, 0, 4)
	rest, ok = domain.ReadList(b, func(b []byte) ([]byte, bool) {
		var item LineItem
		f := domain.ReadObject(b)
		f.Value("class", func(b []byte) (rest []byte, ok bool) {
			class, rest, ok := domain.ReadString(b)
			item.Class = classOf(class)
			return rest, ok
		})
		item.Quantity = f.Int("quantity")
		f.Value("price", item.Price.ReadJSON)
		f.Value("amount", item.Amount.ReadJSON)
		items = append(items, item)
		return f.End()
	})
	return items, rest, ok
}

// classOf is the class of a name; that of a known one is not copied.
func classOf(name []byte) Class {
	for _, known := range [...]Class{
		Input, CacheRead, CacheWrite, CacheWrite1h, Output, Reasoning, Request,
		AudioInput, AudioCacheRead, ImageInput, AudioOutput, ImageOutput, Image, Second, Character, Search,
	} {
		if string(name) == string(known) {
			return known
		}
	}
	return Class(name)
}
