// Package layout reads and writes OCI image layouts (OCI image 1.1, "OCI Image
// Layout Specification"), directories or archives of them, as registries are read
// and written: repositories with tags, manifests, blobs, and what refers to them.
//
// An entry of index.json is named REPOSITORY:TAG, or TAG in the repository "". What
// refers to an image, a manifest with a subject, is an entry without a name, as
// oras has it, and found in every repository. Nothing half-written has a final
// name, and index.json is replaced as a whole.
package layout
