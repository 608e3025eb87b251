//go:build !purego

package asm

import "syscall"

// allowAMX asks Linux for the registers of AMX, 8 KiB that it saves with a thread
// once this process may use them. Where they do not exist it says no.
func allowAMX() bool {
	const requestPermission, tileData = 0x1023, 18 // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
	_, _, err := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, requestPermission, tileData, 0)
	return err == 0
}
