package train

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"
)

// style writes with or without ANSI colours.
type style bool

func (s style) bold(text string) string { return s.wrap("1", text) }
func (s style) dim(text string) string  { return s.wrap("2", text) }

func (s style) wrap(code, text string) string {
	if !s {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// colored settles --color auto|always|never: the option, then NO_COLOR, then
// FORCE_COLOR and CLICOLOR_FORCE, then whether it is a terminal.
func colored(option string, terminal bool) bool {
	switch {
	case option == "always":
		return true
	case option == "never" || os.Getenv("NO_COLOR") != "":
		return false
	case os.Getenv("FORCE_COLOR") != "" || os.Getenv("CLICOLOR_FORCE") != "":
		return true
	}
	return terminal
}

// IsTerminal tells whether f is a terminal that understands escape sequences.
// The null device is a character device too: what is written there, nobody
// sees.
func IsTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 || os.Getenv("TERM") == "dumb" {
		return false
	}
	return runtime.GOOS != "windows" || os.Getenv("WT_SESSION") != "" || os.Getenv("TERM") != ""
}

// Clean makes text from files safe to print: no control characters, which
// could steer the terminal, and no marks that reorder what is read.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		if steers(r) {
			return '?'
		}
		return r
	}, text)
}

func steers(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }

// CleanJSON makes JSON as package json writes it safe to print: what Clean replaces
// stands there as \u and its number, so that every value is as before.
func CleanJSON(text []byte) []byte {
	var out []byte
	for _, r := range string(text) {
		if r > '~' && steers(r) { // below, package json has done it; line breaks are its own
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}
