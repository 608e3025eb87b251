package files

import "golang.org/x/sys/windows"

// Free is how many bytes this process may still write to the disk of a folder that
// is there; −1 where the system does not tell.
func Free(dir string) int64 {
	name, err := windows.UTF16PtrFromString(dir)
	var free uint64
	if err != nil || windows.GetDiskFreeSpaceEx(name, &free, nil, nil) != nil {
		return -1
	}
	return int64(free)
}
