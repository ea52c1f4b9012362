// Package image copies one image from one location to another.
//
// A [Location] is an image at one side: a docker reference in a registry,
// reached through the pooled client of package registry, or a reference of one
// of containers/image's other transports. [Copier.Read] opens a source of either
// kind, chooses from it, has package trust admit what is chosen, and reads its
// manifests; [Copier.Copy] writes that to a registry, instances and blobs at the
// same time, or to one of the library's transports as a whole. Every image is
// written by containers/image's copy.Image, between references of ours; every
// blob on its way to a registry is moved by the caller's [Mover], once however
// many images share it.
//
// This is the only package that imports containers/image's copy package.
package image
