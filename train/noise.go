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
		switch p := any(t.P).(type) {
		case []float32: // as they stand: they are as many as the weights
			out = append(out, safetensors.FromFloat32s(t.Name, shape, p))
		case []float64:
			narrow := make([]float32, len(p))
			for j, v := range p {
				narrow[j] = float32(v)
			}
			out = append(out, safetensors.FromFloat32s(t.Name, shape, narrow))
		}
	}
	return out
}
