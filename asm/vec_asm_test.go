//go:build (amd64 || arm64) && !purego

package asm

const assembled = true
