// Package image copies one image from one location to another.
//
// A [Location] is an image at one side: a docker reference in a registry,
// reached through the pooled client of package registry, or a reference of one
// of containers/image's other transports. Between registries [Copier.Copy] asks
// containers/image's policy, walks the image's descriptors, and has the caller's
// [Mover] move each blob once however many images share it. Whatever needs more
// than that goes through containers/image's copy.Image: other transports, with
// the pooled client at the registry's side, and with the library's own docker
// transport conversions and signatures.
//
// This is the only package that imports containers/image's copy package.
package image
