// Package archtest checks the direction of dependency between the rooms of the project, and what the linter
// cannot see: imports of imports, and floats that nobody wrote out. It has tests only.
package archtest
