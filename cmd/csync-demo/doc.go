// Command csync-demo shows what csync does on registries of its own, and checks
// every step: it builds csync for three platforms, makes images of the binaries,
// runs the example of the README on them, and promotes a release to two
// registries.
//
// It is run from the root of the module, by "make demo".
package main
