// Package content knows what images are made of: manifests, indexes and their
// instances, platforms, and everything below a manifest as a [Tree].
//
// It reads from a [Source] and writes nothing. A [Selection] says which
// instances of an index are wanted, and what the index is then: bytes and digest
// as they will be wherever the same is asked for.
package content
