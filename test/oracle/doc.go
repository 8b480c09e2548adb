// Package oracle holds package compose against the Compose SDK, the library behind `docker compose`: each project of a
// corpus is brought up with the one and with the other, under the same name and from the same directory, and what
// the engine then says about every container, network and volume must be the same.
//
// Differences that are meant are listed in accepted_test.go, each with its reason; docs/compose-differences.md shows
// them. It is a module of its own because nothing else of the house needs the SDK.
//
// Each project is a file of corpus, or a directory with a compose.yml and what lies beside it:
//
//	features      one group of attributes each
//	applications  whole applications
//	failing       what the engine refuses: it must fail with both
//	refused       what verdigris refuses before it touches anything, by name, file and line
//
// What a project tells the oracle stands under x-oracle in its file; see notes.
package oracle
