package main

// outlive does nothing: there is no terminal that could be closed.
func outlive() {}
