// Package faulty has disks for tests.
package faulty
