package executor

// Unread is how many answers of a request nobody has taken.
func Unread(r *Request) int { return len(r.done) }
