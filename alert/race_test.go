//go:build race

package alert_test

const raceDetector = true // it makes the tests ten times as slow
