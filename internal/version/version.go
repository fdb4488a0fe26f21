// Package version holds the version of the library.
package version

// Version is the released version, the one that CHANGELOG.md names first.
// It goes into the User-Agent of every request.
const Version = "0.1.0"
