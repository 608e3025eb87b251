//go:build unix

package main

import "math"

var badMasks = part{"Masked tokens", false, func(f *badFiles) {
	maskedModel(f.t, f.path("masked"))
	f.weights("masked", "halfhead", func(h header, body []byte) []byte {
		for i, name := range []string{"cls.predictions.bias", "cls.predictions.transform.dense.bias"} {
			h[[]string{"a", "b"}[i]] = h[name]
			delete(h, name)
		}
		return body
	})
	f.weights("masked", "untied", func(h header, body []byte) []byte {
		table := *h["bert.embeddings.word_embeddings.weight"]
		size := table.Offsets[1] - table.Offsets[0]
		table.Offsets = [2]uint64{uint64(len(body)), uint64(len(body)) + size}
		h["cls.predictions.decoder.weight"] = &table
		return append(body, make([]byte, size)...)
	})
	f.set("masked", "maskednan", "cls.predictions.bias", 5, float32(math.NaN()))
	f.set("masked", "maskedbig", "cls.predictions.transform.LayerNorm.bias", 5, 3e38)
	f.set("maskedbig", "maskedbig", "cls.predictions.bias", 7, 3e38)
	f.set("maskedbig", "maskedbig", "bert.embeddings.word_embeddings.weight", 7*128+5, 1)
	f.edit("masked", "nomask", "tokenizer.json", func(o map[string]any) {
		vocab := o["model"].(map[string]any)["vocab"].(map[string]any)
		vocab["[unused9]"] = vocab["[MASK]"]
		delete(vocab, "[MASK]")
		o["added_tokens"] = []any{}
	})
	f.remove("nomask/tokenizer_config.json")
}, []badInput{
	{"no mask", "FILL he.went", 2, []string{"sentence 1: found no [MASK]"}},
	{"small letters", "FILL [mask]", 2, []string{"sentence 1: found no [MASK]"}},
	{"a second sentence without", "FILL [MASK] he.went", 2, []string{"sentence 2: found no [MASK]"}},
	{"fewer tokens than none", "FILL --top_k -1 [MASK]", 2, []string{"from 0 up"}},
	{"an encoder", "fill-mask --model_name_or_path model [MASK]", 4, []string{"cls.predictions.bias, cls.predictions.transform.dense.weight", "are missing"}},
	{"a classifier", "fill-mask --model_name_or_path tuned [MASK]", 4, []string{"cls.predictions.bias", "BertForMaskedLM"}},
	{"half a head", "fill-mask --model_name_or_path halfhead [MASK]", 4, []string{"cls.predictions.bias, cls.predictions.transform.dense.bias are missing"}},
	{"a decoder of its own", "fill-mask --model_name_or_path untied [MASK]", 4, []string{"cls.predictions.decoder.weight differs from bert.embeddings.word_embeddings.weight"}},
	{"no [MASK] in the vocabulary", "fill-mask --model_name_or_path nomask [MASK]", 4, []string{"nomask: the vocabulary lacks [MASK]"}},
	{"NaN in the head", "fill-mask --model_name_or_path maskednan [MASK]", 6, []string{"cls.predictions.bias: element 5 is NaN"}},
	{"activations beyond float32", "fill-mask --model_name_or_path maskedbig [MASK]", 4, []string{"activations overflow"}},
	{"no such model", "fill-mask --model_name_or_path none [MASK]", 4, []string{"none: no such folder"}},
}}
