//go:build !race

package kit

// RaceDetector reports whether the race detector is built in. It makes a test
// ten times as slow.
const RaceDetector = false
