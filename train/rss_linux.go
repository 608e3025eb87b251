package train

import "os"

// PeakRSS returns the most memory that the process has held, in bytes; 0 where
// the system does not tell. getrusage would count what the parent held when it
// started the process.
func PeakRSS() int64 { return field(os.DirFS("/"), "proc/self/status", "VmHWM:") << 10 }
