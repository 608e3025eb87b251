//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A file of settings that is far too large is refused by its size: no command that
// reads one takes memory or time for it. The files are holes, without room on the disk.
func TestHugeFilesAreNotRead(t *testing.T) {
	f := newBadFiles(t)
	const size = 2e9
	huge := func(name string) {
		t.Helper()
		f.must(os.MkdirAll(filepath.Dir(f.path(name)), 0o755))
		if err := os.Remove(f.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		f.write(name, "")
		if err := os.Truncate(f.path(name), size); err != nil {
			t.Skip(err)
		}
	}
	for to, file := range map[string]string{"config": "config.json", "words": "tokenizer.json", "cased": "tokenizer_config.json", "terms": "LICENSE", "index": "model.safetensors.index.json", "pickles": "pytorch_model.bin.index.json"} {
		f.copyModel("model", to)
		huge(to + "/" + file)
	}
	f.remove("index/model.safetensors")
	f.remove("pickles/model.safetensors")
	const cache = "cache/models--owner--"
	huge(cache + "ref/refs/main")
	commit := strings.Repeat("0", 40)
	f.mkdir(cache + "index/refs")
	f.write(cache+"index/refs/main", commit)
	huge(cache + "index/snapshots/" + commit + "/model.safetensors.index.json")
	for _, name := range []string{"run/run.json", "seeds/a/run.json", "plan/sweep.json", "grid.yaml", "args.yaml", "shape.json", "vocab.txt.huge", "swept/seed0/all_results.json", "ended/all_results.json", "pretrained/training_args.json"} {
		huge(name)
	}
	f.write("run/metrics.jsonl", oneUpdate)
	f.write("swept/sweep.json", sweepOf(0))
	f.write("swept/seed0/run.json", `{"exit": "finished"}`)
	f.write("ended/run.json", `{"exit": "finished"}`)
	// On Linux a process begins with the most of the one that starts it, the test's.
	version := command1(f.dir, "version")
	outcomeOf(t, version, "")
	least := peakOf(version)
	for _, row := range []badInput{
		{args: "MODEL config", code: 4, says: []string{"config/config.json", "4194304"}},
		{args: "predict config train.txt", code: 4, says: []string{"config/config.json"}},
		{args: "evaluate config train.txt", code: 4, says: []string{"config/config.json"}},
		{args: "fill-mask --model_name_or_path config x", code: 4, says: []string{"config/config.json"}},
		{args: "pretrain --model_name_or_path config --train_files train.txt", code: 4, says: []string{"config/config.json"}},
		{args: "MODEL words", code: 4, says: []string{"tokenizer.json", "67108864"}},
		{args: "MODEL cased", code: 4, says: []string{"tokenizer_config.json"}},
		{args: "MODEL terms", code: 4, says: []string{"LICENSE", "1048576"}},
		{args: "MODEL index", code: 4, says: []string{"index/model.safetensors.index.json", "100000000"}},
		{args: "MODEL pickles", code: 4, says: []string{"pickles/pytorch_model.bin.index.json"}},
		{args: "MODEL owner/ref --cache_dir cache", code: 4, says: []string{"owner--ref/refs/main", "4096"}},
		{args: "MODEL owner/index --cache_dir cache", code: 4, says: []string{"model.safetensors.index.json"}},
		{args: "pretrain --model_config shape.json --vocab vocab.txt --train_files train.txt", code: 2, says: []string{"shape.json"}},
		{args: "pretrain --model_config 1x32/2 --vocab vocab.txt.huge --train_files train.txt", code: 4, says: []string{"vocab.txt.huge"}},
		{args: "init --size mini --vocab vocab.txt.huge new", code: 4, says: []string{"vocab.txt.huge"}},
		{args: "resume run", code: 2, says: []string{"run/run.json", "16777216"}},
		{args: "resume pretrained", code: 2, says: []string{"pretrained"}},
		{args: "plot run --out new", code: 3, says: []string{"run/run.json"}},
		{args: "compare seeds seeds", code: 3, says: []string{"seeds/a/run.json"}},
		{args: "compare ended ended", code: 3, says: []string{"ended/all_results.json"}},
		{args: "report seeds --out new.html", code: 3, says: []string{"seeds/a/run.json"}},
		{args: "merge plan --out new", code: 3, says: []string{"plan/sweep.json", "134217728"}},
		{args: "merge swept", code: 3, says: []string{"swept/seed0/all_results.json"}},
		{args: "sweep grid.yaml", code: 3, says: []string{"grid.yaml", "1048576"}},
		{args: "train args.yaml", code: 3, says: []string{"args.yaml"}},
	} {
		c := command1(f.dir, strings.Fields(forms.Replace(row.args)+quiet(row.args))...)
		r := outcomeOf(t, c, "")
		if row.what = row.args; !strings.HasPrefix(row.args, "resume pretrained") {
			row.says = append(row.says, "found 2000000000 bytes, expected at most ")
		}
		row.check(t, r)
		if used := c.ProcessState.UserTime() + c.ProcessState.SystemTime(); used > time.Second {
			t.Errorf("%s: took %v", row.args, used)
		}
		if peak := peakOf(c); peak > least+48<<20 {
			t.Errorf("%s: held %d bytes", row.args, peak)
		}
	}
}

// peakOf is the most memory of a command that has ended, in bytes.
func peakOf(c *exec.Cmd) int64 {
	peak := c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	if runtime.GOOS != "darwin" && runtime.GOOS != "ios" {
		peak <<= 10 // all others count in KiB
	}
	return int64(peak)
}
