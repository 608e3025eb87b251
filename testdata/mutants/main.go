// Command mutants plants faults in the tree of the working directory, which is
// a copy, one at a time, runs the tests of the packages concerned and prints
// which of them failed, as rows of a table. Tests that compare with a recorded
// hash of this program's own results are left out: they see every change, right
// or wrong.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// mutant is one fault in one place: the text from, which occurs once in file,
// becomes to.
type mutant struct {
	fault    string // the same in consecutive places is one fault
	file     string
	from, to string
	build    string // tag of the build that shows it; "" is the default
	pkgs     string // whose tests are run
}

// hashes are the tests of recorded hashes.
const hashes = "^(TestSameBitsEverywhere|TestVectorBitsAreTheSameEverywhere|TestTransformersReadsRuns)$"

var (
	began  = regexp.MustCompile(`(?m)^=== RUN +(\w+)`)
	failed = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)
)

// test runs the tests and returns the names of those that failed. A panic in a
// goroutine ends a package without a word about the test that was running. ok
// is false also where a package does not compile.
func test(build, pkgs string) (names []string, output string, ok bool) {
	args := []string{"test", "-v", "-count=1", "-short", "-timeout=10m", "-vet=off", "-tags", build, "-skip", hashes}
	out, err := exec.Command("go", append(args, strings.Fields(pkgs)...)...).CombinedOutput()
	output = string(out)
	for _, m := range failed.FindAllStringSubmatch(output, -1) {
		if !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}
	if before, _, panics := strings.Cut(output, "\npanic: "); panics && len(names) == 0 {
		if running := began.FindAllStringSubmatch(before, -1); running != nil {
			names = []string{running[len(running)-1][1]}
		}
	}
	return names, output, err == nil
}

func fatal(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "mutants: "+format+"\n", args...)
	os.Exit(1)
}

// source reads the file of a fault and checks that its place is there.
func (m mutant) source() string {
	text, err := os.ReadFile(m.file)
	if err != nil {
		fatal("%s: %v", m.fault, err)
	}
	if n := strings.Count(string(text), m.from); n != 1 {
		fatal("%s: found its place %d times in %s, expected once:\n%s", m.fault, n, m.file, m.from)
	}
	return string(text)
}

// plant writes the fault into its place while f runs.
func (m mutant) plant(f func()) {
	text := m.source()
	write := func(s string) {
		if err := os.WriteFile(m.file, []byte(s), 0o644); err != nil {
			fatal("%v", err)
		}
	}
	write(strings.Replace(text, m.from, m.to, 1))
	f()
	write(text)
}

// unharmed checks that every fault is there to be planted and compiles, and
// that the tests pass as they are: what fails later is the fault's doing.
func unharmed(list []mutant) {
	done := map[string]bool{}
	for _, m := range list {
		m.plant(func() {
			if out, err := exec.Command("go", "build", "-tags", m.build, "./"+path.Dir(m.file)).CombinedOutput(); err != nil {
				fatal("%s: %s", m.fault, out)
			}
		})
	}
	for _, m := range list {
		if done[m.build+m.pkgs] {
			continue
		}
		done[m.build+m.pkgs] = true
		if _, output, ok := test(m.build, m.pkgs); !ok {
			fatal("%s, tags %q: the tests fail without a fault:\n%s", m.pkgs, m.build, output)
		}
	}
}

// caught returns the tests that fail with the fault in its place.
func (m mutant) caught() (names []string) {
	m.plant(func() {
		var output string
		var ok bool
		if names, output, ok = test(m.build, m.pkgs); !ok && len(names) == 0 {
			fatal("%s: no test ran to its end:\n%s", m.fault, output)
		}
	})
	return names
}

// cell is the tests that a build caught a fault with, some of many.
func cell(build string, caught []string) string {
	if build == "" {
		build = "float32"
	}
	if len(caught) == 0 {
		return build + ": **nothing**"
	}
	more := ""
	if n := len(caught) - 4; n > 0 {
		caught, more = caught[:4], fmt.Sprintf(" and %d more", n)
	}
	return build + ": " + strings.Join(caught, ", ") + more
}

func main() {
	var list []mutant
	for _, m := range mutants {
		if len(os.Args) < 2 || strings.Contains(m.fault, os.Args[1]) {
			list = append(list, m)
		}
	}
	start := time.Now()
	unharmed(list)
	faults, survivors := 0, 0
	var files, cells []string
	fmt.Println("| fault | planted in | caught by |\n|---|---|---|")
	for i, m := range list {
		caught := m.caught()
		if len(caught) == 0 {
			survivors++
		}
		files, cells = append(files, m.file), append(cells, cell(m.build, caught))
		if i+1 < len(list) && list[i+1].fault == m.fault {
			continue
		}
		fmt.Printf("| %s | %s | %s |\n", m.fault, strings.Join(files, ", "), strings.Join(cells, "; "))
		files, cells, faults = nil, nil, faults+1
	}
	fmt.Fprintf(os.Stderr, "%d faults in %d places, %d not caught, %.0f s\n", faults, len(list), survivors, time.Since(start).Seconds())
	if survivors > 0 {
		os.Exit(1)
	}
}
