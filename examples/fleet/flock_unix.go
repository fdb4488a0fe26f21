//go:build unix && !aix && !solaris && !illumos

package main

import (
	"errors"
	"os"
	"syscall"
)

const canLockFiles = true

var errLocked = syscall.EWOULDBLOCK

// lockFile locks a file until it is closed.
func lockFile(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
