//go:build unix

package main

import (
	"syscall"
	"time"
)

// cpuTime is what this process has used, in all its threads: the collector's
// work is in it, a server in another process is not.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
