package checkpoint

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pactune/internal/fault"
	"pactune/internal/files"
)

var (
	kills = flag.Int("kills", 4, "killed processes of TestKilled")
	child = flag.String("child", "", "the folder of the process that TestKilled kills")
)

// A process that is killed while it saves leaves what the next one goes on from,
// and no lock.
func TestKilled(t *testing.T) {
	if *child != "" {
		t.Fatal(saveForever(*child))
	}
	dir := t.TempDir()
	r := rand.New(rand.NewSource(1))
	saved, inTheMiddle := -1, 0
	for i := range *kills {
		c := exec.Command(os.Args[0], "-test.run=^TestKilled$", "-child="+dir)
		var out bytes.Buffer
		ready := make(chan bool)
		reader, err := c.StdoutPipe()
		if err == nil {
			err = c.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			s := bufio.NewScanner(reader)
			for s.Scan() {
				if out.Len() == 0 {
					ready <- true
				}
				fmt.Fprintln(&out, s.Text())
			}
			close(ready)
		}()
		<-ready
		if _, err := files.Lock(dir); i == 0 && (fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), fmt.Sprintf("process %d on ", c.Process.Pid))) {
			t.Errorf("a second process in the folder: %v", err)
		}
		time.Sleep(time.Duration(r.Intn(120_000)) * time.Microsecond)
		c.Process.Kill()
		for range ready {
		}
		c.Wait()
		lines := strings.Fields(out.String())
		last, err := strconv.Atoi(lines[len(lines)-1])
		if err != nil || last < saved {
			t.Fatalf("process %d: printed %q after step %d", i, out.String(), saved)
		}
		f, damaged, err := Latest(files.OS, dir)
		if err != nil || damaged != nil || f.Step < last || f.Step > last+1 {
			t.Fatalf("process %d: said %d, found %v, %v, %v", i, last, f, damaged, err)
		}
		same(t, f)
		saved = f.Step
		if strings.Contains(listing(t, dir), stagingEnd) {
			inTheMiddle++
		}
	}
	t.Logf("%d processes killed at %d saves, %d of them in the middle of one", *kills, saved, inTheMiddle)
}

// saveForever goes on with a run in dir, and prints each step that is saved.
func saveForever(dir string) error {
	lock, err := files.Lock(dir)
	if err != nil {
		return err
	}
	defer lock.Unlock() // until then the file stays open, which the collector would close
	f, damaged, err := Latest(files.OS, dir)
	if err := errors.Join(append(damaged, err)...); err != nil {
		return err
	}
	step := -1
	if f != nil {
		step = f.Step
		r, err := load(f)
		if err == nil {
			err = r.differs(step)
		}
		if err != nil {
			return err
		}
	}
	if err := Rewind(files.OS, dir, step); err != nil {
		return err
	}
	log, err := OpenLog(files.OS, filepath.Join(dir, "log"), at(max(0, step)).state.Log)
	if err != nil {
		return err
	}
	if step >= 0 {
		fmt.Println(step)
	}
	for step++; ; step++ {
		if step > 0 {
			fmt.Fprint(log, line)
		}
		if mark, err := log.Sync(); err != nil || mark != at(step).state.Log {
			return fmt.Errorf("step %d: a log of %v, %v", step, mark, err)
		}
		if _, err := Save(files.OS, dir, step, at(step).content()); err != nil {
			return err
		}
		fmt.Println(step)
		if err := Limit(files.OS, dir, 1); err != nil {
			return err
		}
	}
}
