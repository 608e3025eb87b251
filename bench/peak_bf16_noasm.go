//go:build !amd64 || purego

package bench

func bf16Loop(int) int { return 0 }
