package train

import (
	"pactune/nn"
	"pactune/pac"
	"pactune/safetensors"
)

// noiseTensors are the learned log standard deviations in bf16: one per weight
// in the shape of the weights, or one per tensor.
func noiseTensors(n *pac.Noise, s *nn.Store) []safetensors.Tensor {
	var out []safetensors.Tensor
	for i := range n.Tensors {
		t := &n.Tensors[i]
		shape := s.Param(t.Name).Shape
		if len(t.P) == 1 {
			shape = []int{1}
		}
		narrow := make([]float32, len(t.P))
		for j, p := range t.P {
			narrow[j] = float32(p)
		}
		out = append(out, safetensors.BF16FromFloat32s(t.Name, shape, narrow))
	}
	return out
}
