//go:build unix

package main

import (
	"fmt"
	"strings"
	"testing"
)

// A place that cannot be written is a wrong option, whatever the command.
func TestUnwritable(t *testing.T) {
	f := newBadFiles(t)
	answers := "index\tprediction\n"
	for i := range 3000 {
		answers += fmt.Sprintf("%d\tentailment\n", i)
	}
	f.write("tuned/predict_results_rte.txt", answers)
	for _, args := range []string{
		"glue-submit tuned --partial --out train.txt/x",
		"convert model train.txt/x",
		"plot tuned --out train.txt/x",
		"vocab train.txt --out train.txt/x",
		"init --vocab vocab.txt train.txt/x",
		"train train.txt --model_name_or_path model --output_dir train.txt/x",
		"evaluate tuned dev.txt --cpuprofile train.txt/x",
		"pretrain train.txt --vocab vocab.txt --model_config 1x16 --output_dir train.txt/x",
	} {
		r := pactune(t, f.dir, "", strings.Fields(args)...)
		if r.code != 2 || r.stdout != "" || !strings.Contains(r.stderr, "train.txt/x") || !strings.Contains(r.stderr, "not a directory") {
			t.Errorf("%s: %+v", args, r)
		}
	}
}
