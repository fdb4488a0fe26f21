//go:build race

package autotask_test

const raceDetector = true
