// Package crashtest kills the processes of a running service under load, and the database under them, at random moments,
// and then holds what clients were told against what the ledger says. It has tests only.
package crashtest
