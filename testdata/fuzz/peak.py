"""Runs a command and prints the peak memory of the largest of its processes."""
import resource
import subprocess
import sys

code = subprocess.call(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
sys.exit(code)
