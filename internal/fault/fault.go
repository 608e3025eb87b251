// Package fault gives every error of the world (files, rows, flags, numbers)
// a kind, so that a command can turn it into an exit code and a caller can
// ask for it. The text of an error says the file, the row or the tensor, what
// was found, what was expected and what to do.
package fault

import (
	"errors"
	"fmt"
)

// Kind classifies an error; its value is the exit code of the command.
type Kind int

const (
	Internal  Kind = 1 // unexpected: a bug, or the machine failed
	Usage     Kind = 2 // a flag, an option or a configuration
	Data      Kind = 3 // a data file: the message names the row
	Model     Kind = 4 // a model file: corrupt, unsafe or unfitting
	Resources Kind = 5 // not enough memory or disk
	Diverged  Kind = 6 // NaN or Inf in loss or gradients
)

type fault struct {
	kind Kind
	err  error
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

// Errorf formats an error as fmt.Errorf does (%w wraps) and gives it a kind.
func Errorf(kind Kind, format string, args ...any) error {
	return &fault{kind, fmt.Errorf(format, args...)}
}

// KindOf returns the kind of the outermost classified error in err's chain,
// Internal for any other error, 0 for nil.
func KindOf(err error) Kind {
	if err == nil {
		return 0
	}
	var f *fault
	if errors.As(err, &f) {
		return f.kind
	}
	return Internal
}
