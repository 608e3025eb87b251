// Package plural puts numbers into the sentences that people read: one row, but two
// rows. Tables, logs and JSON have the bare number.
package plural

import "strconv"

// Of is a number and the word for it: Of(1, "row") is "1 row", Of(2, "row")
// "2 rows", Of(0, "row") "0 rows".
func Of(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
