// Package keep keeps what was read of images on disk, in an OCI layout, so that the
// next run need not read it from their source again. What is kept is found by its
// digest, and given to nobody before its bytes have been checked.
package keep
