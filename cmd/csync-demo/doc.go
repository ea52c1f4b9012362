// Command csync-demo shows what csync does on two registries of its own, and
// checks every step: it builds csync for three platforms, makes images of the
// binaries, and runs the example of the README on them.
//
// It is run from the root of the module, by "make demo".
package main
