module pactune/bench/peers

go 1.26.5

require (
	github.com/ajroetker/go-highway v0.0.12
	github.com/gomlx/compute v0.1.6
	github.com/gomlx/gomlx v0.28.4
	github.com/viterin/vek v0.4.3
	gonum.org/v1/gonum v0.17.0
	pactune v0.0.0
)

require (
	github.com/chewxy/math32 v1.10.1 // indirect
	github.com/go-logr/logr v1.4.3 // indirect
	github.com/klauspost/cpuid/v2 v2.2.9 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/viterin/partial v1.1.0 // indirect
	golang.org/x/exp v0.0.0-20260410095643-746e56fc9e2f // indirect
	golang.org/x/sys v0.43.0 // indirect
	golang.org/x/text v0.35.0 // indirect
	k8s.io/klog/v2 v2.140.0 // indirect
)

replace pactune => ../..
