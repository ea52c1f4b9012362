// Package image copies one image from one location to another.
//
// A [Location] is an image at one side: a docker reference in a registry,
// reached through the pooled client of package registry, or a reference of one
// of containers/image's other transports. [Copier.Copy] hands both sides to
// containers/image's copy.Image, which enforces the policy and converts where
// that is asked for; between registries the bytes do not pass through it but
// through the caller's [Mover], which moves each blob once however many images
// share it. What copy.Image refuses (nested indexes, artifacts) is copied by
// walking its descriptors with the same client.
//
// This is the only package that imports containers/image's copy package.
package image
