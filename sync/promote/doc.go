// Package promote brings the images of one hash to several registries, and moves
// a label onto them when all of them are there: everywhere or nowhere.
//
// [Run] goes through a promotion once: what the source has of each image is
// looked at before anything is written; contents and indexes are brought to every
// destination; every one of them is asked whether it has everything, and a gate
// about every digest; only then the labels move, at the destinations first, at the
// source last. If one cannot, those that have moved are sent back.
//
// A [Journal] has what every tag named before it moved, on disk before it moves,
// so that whatever ends a run, another can go on from there, or [Rollback] undo it.
package promote
