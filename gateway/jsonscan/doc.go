// Package jsonscan reads JSON that lies in memory as a whole, without building a tree of it, and changes it without writing it anew.
//
//	scanner.go        goes through a text, value by value, and says where each stands
//	edits.go          replaces and removes ranges of a text, in one pass
package jsonscan
