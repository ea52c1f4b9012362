// Package run does what a plan says.
//
// [Run] takes the steps of a plan and gives a result for each: images, the
// instances of an index and blobs at the same time, every tag after all that it
// needs. A blob that several images share moves once for each destination
// registry and is mounted in every other repository. A step that fails does not
// stop the others.
package run
