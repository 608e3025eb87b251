module pactune

go 1.22.0

require (
	github.com/andybalholm/brotli v1.1.0
	github.com/klauspost/compress v1.17.9
	github.com/klauspost/cpuid/v2 v2.2.9
	github.com/parquet-go/parquet-go v0.25.1
	github.com/spf13/cobra v1.8.1
	go.yaml.in/yaml/v3 v3.0.4
	golang.org/x/sys v0.28.0
	golang.org/x/text v0.21.0
	gonum.org/v1/gonum v0.15.1
)

require (
	github.com/google/uuid v1.6.0 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/pierrec/lz4/v4 v4.1.21 // indirect
	github.com/spf13/pflag v1.0.5 // indirect
)
