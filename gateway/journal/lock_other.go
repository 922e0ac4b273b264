//go:build !unix

package journal

import "os"

// lock does nothing where there are no advisory locks: the operator gives each process its own file.
func lock(*os.File) error { return nil }
