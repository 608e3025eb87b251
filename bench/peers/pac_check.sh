#!/bin/sh
# Holds the forms of torch_pac.py against pactune: a run of one update at rate 0, without
# noise, records its loss and the norms and extremes of every gradient.
#   pac_check.sh PACTUNE VOCAB DATA
set -eu
here=$(dirname "$0") dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$1" init --size mini --vocab "$2" --seed 1 "$dir/mini"
"$1" train --train_file "$3" --validation_file "$3" --model_name_or_path "$dir/mini" --output_dir "$dir/run" \
	--method adamw --head cls --freeze_embeddings true --dropout 0 --learning_rate 0 --max_grad_norm 0 \
	--per_device_train_batch_size 100 --train_order file --max_steps 1 --component_steps 1 --quiet
python3 "$here/torch_pac.py" --check "$dir/run" --data "$3"
