// Package plan decides what a run has to do, and writes nothing.
//
// [Make] lists what the source file names, selects tags, names each image at
// each destination, and compares both sides by digest. The outcome is a [Plan]:
// one [Step] for every destination reference, sorted, no two for the same one.
// What cannot be listed, named or compared is a step too, one that has failed,
// so that nothing that was asked for gets lost.
package plan
