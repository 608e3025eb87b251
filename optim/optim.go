// Package optim turns gradients into new weights: groups of parameters with
// their own rates, AdamW, learning-rate schedules and gradient clipping.
//
// One update of training, after the backward passes have added up the
// gradient of the step in every Param.Grad, is
//
//	if err := clipper.Measure(record); err != nil { … }  // norms; NaN and Inf stop here
//	clipper.Clip()                                       // per component, then global
//	adamw.Step(t, schedule.Scale(t-1))                   // t counts from 1
//
// Clipping by component (CWGNC) gives every named tensor its own threshold:
// the tensors of a transformer converge at different speeds, and one global
// norm lets the largest of them decide for all the others.
//
// Work is cut into pieces by the shapes of the parameters alone, and sums of
// pieces are added in order, so a result has the same bits on any number of
// threads. Nothing here allocates in a step.
package optim

import (
	"fmt"

	"pactune/autograd"
)

// PieceSize is the number of elements of a parameter that one piece of
// parallel work holds. Norms depend on it in their last bits, and pieces of
// noise begin at multiples of it, so it is a constant of the number format.
const PieceSize = 4 * 4096

// Piece is the elements [Lo, Hi) of parameter Param (its place in a list).
type Piece struct{ Param, Lo, Hi int }

// Cut returns the pieces of all params in order, none longer than PieceSize.
func Cut(params []*autograd.Param) []Piece {
	var pieces []Piece
	for i, p := range params {
		for lo := 0; lo < len(p.Clean); lo += PieceSize {
			pieces = append(pieces, Piece{i, lo, min(lo+PieceSize, len(p.Clean))})
		}
	}
	return pieces
}

// mustTrain panics unless every parameter has a gradient as long as its
// weights and occurs once: anything else is a mistake of the program.
func mustTrain(op string, params []*autograd.Param) {
	seen := make(map[*autograd.Param]bool, len(params))
	for _, p := range params {
		if p.Frozen || len(p.Grad) != len(p.Clean) {
			panic(fmt.Sprintf("optim: %s: %s has %d weights and %d gradients, frozen %t: it cannot be trained",
				op, p.Name, len(p.Clean), len(p.Grad), p.Frozen))
		}
		if seen[p] {
			panic(fmt.Sprintf("optim: %s: %s is listed twice", op, p.Name))
		}
		seen[p] = true
	}
}
