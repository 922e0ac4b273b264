package column

import "sync"

// buffers are those of columns that are done with: a batch's are as large as the next one's.
//
//nolint:gochecknoglobals // shared by all that write, so that each need not grow its own
var buffers sync.Pool

const (
	smallest = 1 << 10
	largest  = 8 << 20 // of one that is kept
)

// buffer is an empty one.
func buffer() []byte {
	if b, ok := buffers.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, smallest)
}

// Release gives a column's memory to others. The column is empty then, and what Binary returned is of no use.
func Release(c Column) { c.release() }

func (a *array) release() {
	if b := a.b; cap(b) >= smallest && cap(b) <= largest {
		buffers.Put(&b)
	}
	*a = array{}
}
