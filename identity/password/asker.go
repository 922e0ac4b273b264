package password

import "context"

// Asker is for whom a password is hashed, as far as that decides who comes first.
type Asker struct {
	Network string // that is counted as one; "" is not counted
	Known   bool   // has signed in to the account from there before
}

type askerKey struct{}

// WithAsker returns a context that carries the asker.
func WithAsker(ctx context.Context, a Asker) context.Context {
	return context.WithValue(ctx, askerKey{}, a)
}

func askerOf(ctx context.Context) Asker {
	a, _ := ctx.Value(askerKey{}).(Asker)
	return a
}
