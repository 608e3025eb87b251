package optim

import (
	"strings"

	"pactune/internal/fault"
)

// Grouping says which tensors are clipped together.
type Grouping string

const (
	ByTensor Grouping = "tensor" // every named tensor is a component
	ByQKV    Grouping = "qkv"    // query, key and value of a layer together; weights and biases apart
	ByLayer  Grouping = "layer"  // a whole layer; the embeddings; the pooler; the head
)

// ParseGrouping returns the grouping of that name, or an error of kind Usage.
func ParseGrouping(name string) (Grouping, error) {
	switch g := Grouping(name); g {
	case ByTensor, ByQKV, ByLayer:
		return g, nil
	}
	return "", fault.Errorf(fault.Usage, "unknown grouping %q: expected tensor, qkv or layer", name)
}

// componentOf names the component of the tensor that a Hugging Face
// checkpoint calls name.
func (g Grouping) componentOf(name string) string {
	parts := strings.Split(name, ".")
	switch g {
	case ByQKV:
		for i, s := range parts {
			if s == "query" || s == "key" || s == "value" {
				parts[i] = "qkv"
			}
		}
	case ByLayer:
		for i, s := range parts {
			switch {
			case (s == "layer" || s == "h") && i+1 < len(parts):
				return strings.Join(parts[:i+2], ".")
			case s == "embeddings" || s == "pooler":
				return strings.Join(parts[:i+1], ".")
			}
		}
		return strings.Join(parts[:max(1, len(parts)-1)], ".")
	}
	return strings.Join(parts, ".")
}
