package cache

// Encode and Decode are how entries are written.
func (e *Entry) Encode() []byte { return e.encode() }

// Decode reads an entry.
func Decode(b []byte) (Entry, error) { return decode(b) }

// Place is where an answer is in Redis.
func (q *Question) Place() (common, name string, err error) { return q.place() }
