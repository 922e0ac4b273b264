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
	var room [8]Class
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
