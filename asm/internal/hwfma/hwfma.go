//go:build (amd64 || arm64) && !purego

// Package hwfma is the processor's own scalar fused multiply-add on float32: what the
// tests of the one in Go compare with.
package hwfma

// FMA32 returns x·y + z, rounded once.
// Requires: FMA on amd64
//
//go:noescape
func FMA32(x, y, z float32) float32
