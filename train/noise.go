package train

import (
	"pactune/nn"
	"pactune/pac"
	"pactune/safetensors"
)

// noiseTensors are the learned log standard deviations: one per weight in the
// shape of the weights, or one per tensor. They are float32: near −8 the steps
// of bf16 are 1/16, coarser than the differences between the weights of most
// tensors.
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
		out = append(out, safetensors.FromFloat32s(t.Name, shape, narrow))
	}
	return out
}
