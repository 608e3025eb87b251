//go:build !unix

package train

// PeakRSS returns the most memory that the process has held, in bytes; 0 where
// the system does not tell.
func PeakRSS() int64 { return 0 }
