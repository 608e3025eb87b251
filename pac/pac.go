// Package pac is PAC-tuning (Liu et al., EMNLP 2023): fine-tuning that
// minimises a PAC-Bayes bound on the error on unseen texts instead of the
// training loss alone.
//
// Every trained weight w_i gets Gaussian noise of its own size e^{p_i}; the
// gradient is taken at the noisy weights. Stage 1 learns the weights and the
// sizes together: the objective is the loss plus L_pac, in which
//
//	KL  = how far the noisy weights have moved from the noisy start w0,
//	      whose noise e^{b_j} is learned too, one b per tensor;
//	K   = how much the loss varies under noise of the start's size: a table,
//	      measured once before training;
//	γ   = the weight between the two, the best one within given limits.
//
// Stage 2 keeps the learned noise, drops L_pac, and fits the loss.
//
// An update of stage 1 (of stage 2 without the lines marked 1):
//
//	noise.Begin(step)            // w + e^p·ε into scratch, Param.Data there
//	…                            // forward and backward, as often as needed
//	noise.End()                  // Param.Data back to the clean weights
//	err := clipper.Measure(…)    // stops on NaN before anything has changed
//	err = bound.StepNoise()      // 1: dp from the unclipped gradient, Adam
//	clipper.Clip()
//	bound.Backward()             // 1: the KL term into dw; db
//	bound.StepPrior()            // 1: Adam on b
//	adamw.Step(…)
//
// KL, K and γ are of the clean weights, p and b at the start of the update:
// Begin gathers their sums while it writes the noisy weights. The noise is a
// function of (seed, step, tensor, element): StepNoise makes it again.
//
// Names: m training examples, L tensors, θ the pretrained weights ("body"), ω
// the new head. Logarithms of standard deviations throughout.
package pac
