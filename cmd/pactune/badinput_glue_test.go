//go:build unix

package main

var badGLUE = part{"GLUE's tasks and submissions", true, func(f *badFiles) {
	const pair = "index\tsentence1\tsentence2\tlabel\n"
	f.mkdir("glue")
	f.mkdir("glue/RTE")
	f.write("glue/RTE/train.tsv", pair+"0\ta pan\ta lid\tentailment\n1\ta pan\ta rose\tnot_entailment\n")
	f.mkdir("full-glue")
	f.mkdir("full-glue/RTE")
	for _, name := range []string{"train.tsv", "dev.tsv"} {
		f.write("full-glue/RTE/"+name, pair+"0\ta pan\ta lid\tentailment\n1\ta pan\ta rose\tnot_entailment\n")
	}
	f.mkdir("neutral")
	f.write("neutral/train.tsv", pair+"0\ta pan\ta lid\t0\n")
	f.write("neutral/dev.tsv", "index\tquestion\tsentence\tlabel\n0\twhy\tso\tentailment\n")
	f.mkdir("short")
	f.write("short/train.tsv", pair+"0\ta pan\ta lid\tentailment\n1\ta pan\tentailment\n")
	f.mkdir("QQP")
	f.write("QQP/train.tsv", "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n0\t1\t2\ta pan?\ta lid?\t0\n1\t3\t4\ta pan?\ta pan?\t1\n")
	f.write("QQP/test.tsv", "id\tquestion1\tquestion2\n0\ta pan?\ta rose?\n1\ta pan?\n")
	f.mkdir("answers")
	f.write("answers/predict_results_rte.txt", "index\tprediction\n0\tentailment\n")
	f.mkdir("strange")
	f.write("strange/predict_results_rte.txt", "index\tprediction\n0\tyes\n")
}, []badInput{
	{"folder of another task", "train --task_name wnli --data_dir glue/RTE", 3, []string{"glue/RTE: is the folder of another task (--task_name rte)"}},
	{"columns of another task", "train --task_name qnli --data_dir neutral", 3, []string{"neutral/train.tsv: line 1:", "--task_name rte, --task_name wnli"}},
	{"labels of another task", "train --task_name rte --data_dir neutral", 3, []string{`line 2: found the label "0"`, "--task_name wnli"}},
	{"header where there is none", "train --task_name cola --data_dir neutral", 3, []string{"neutral/train.tsv: line 1: found the header"}},
	{"row that is too short", "train --task_name rte --data_dir short", 3, []string{"short/train.tsv: line 3: the row has no label: found 3 columns, expected 4"}},
	{"evaluation of the diagnostic set", "evaluate tuned --task_name ax --data_dir glue", 2, []string{"expected one of cola, mnli"}},
	{"test file that is not there", "train --task_name rte --data_dir glue --do_predict --no_do_eval", 3, []string{"glue/RTE/test.tsv: no such file"}},
	{"test row that is too short", "train --task_name qqp --data_dir . --do_predict --no_do_eval", 3, []string{"QQP/test.tsv: line 3: found 2 columns, expected 3"}},
	{"prediction without a test file", "OPTION --do_predict", 2, []string{"--test_file FILE"}},
	{"tasks of a folder without any", "tasks --data_dir model", 3, []string{"model: holds no file of a GLUE task"}},
	{"tasks of a folder that is not there", "tasks --data_dir none", 3, []string{"none: no such folder"}},
	{"few shots of more rows than there are", "fewshot --task_name rte --data_dir full-glue --kshot 9 --out shots", 3, []string{"full-glue/RTE/train.tsv: the class", "has 1 row"}},
	{"few shots of the diagnostic set", "fewshot --task_name ax --data_dir full-glue --out shots", 2, []string{"--task_name ax: has no training file"}},
	{"few shots of a class and at random", "fewshot --task_name rte --data_dir full-glue --kshot 1 --train_size 2 --out shots", 2, []string{"give one of the two"}},
	{"few shots of a seed twice", "fewshot --task_name rte --data_dir full-glue --kshot 1 --seeds 3,3 --out shots", 2, []string{"3 is there twice"}},
	{"submission without runs", "glue-submit --out s.zip", 2, []string{"glue-submit needs runs"}},
	{"submission of a run without answers", "glue-submit tuned --out s.zip", 3, []string{"tuned: holds no predict_results_<task>.txt", "--do_predict"}},
	{"submission of a run that is not there", "glue-submit none --out s.zip", 3, []string{"none: no such folder"}},
	{"submission of unknown labels", "glue-submit strange --out s.zip", 3, []string{`line 2: found the prediction "yes", expected one of entailment, not_entailment`}},
	{"submission of one row", "glue-submit answers --partial --out s.zip", 3, []string{`"RTE.tsv": has 1 row; the test file has 3000`}},
	{"submission of one task", "glue-submit answers --out s.zip", 3, []string{"lacks CoLA.tsv"}},
	{"submission over a file", "glue-submit answers --out dev.txt", 2, []string{"--out dev.txt: is there already"}},
	{"submission that is no zip", "glue-submit --check dev.txt", 3, []string{"dev.txt: is not a zip"}},
}}
