//go:build unix && !aix && !solaris && !illumos

package progress

import (
	"os"
	"syscall"
	"unsafe"
)

// columnsOf returns the width of a terminal; 0 if unknown.
func columnsOf(f *os.File) int {
	var size struct{ rows, columns, x, y uint16 }
	//nolint:gosec // the standard library has no other way to ask, and the kernel writes exactly this struct
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return 0
	}
	return int(size.columns)
}
