package commands

// Input is what a test sees of a command.
type Input interface{ name() string }

// NameOf is the command's name.
func NameOf(c Input) string { return c.name() }

// InputHash is the hash that the log keeps of a command.
func InputHash(c Input) ([32]byte, error) { return inputHash(c.name(), c) }
