module pactune

go 1.22.0

require (
	github.com/klauspost/cpuid/v2 v2.2.9
	github.com/spf13/cobra v1.8.1
	golang.org/x/sys v0.28.0
	golang.org/x/text v0.21.0
	gonum.org/v1/gonum v0.15.1
)

require (
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/spf13/pflag v1.0.5 // indirect
)
