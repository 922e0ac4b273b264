package usage

// KeepNothing lets the database answer every question whole.
func (q *Query) KeepNothing() { q.most = -1 }
