//go:build !unix || aix || solaris || illumos

package main

import (
	"errors"
	"os"
)

const canLockFiles = false

var errLocked = errors.New("the file is locked")

func lockFile(*os.File) error { return errors.ErrUnsupported }
