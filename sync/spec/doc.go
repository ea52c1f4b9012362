// Package spec says what is wanted: it reads source files into one model.
//
// A source file is skopeo's sync YAML with csync's own keys under "csync:", or
// a manifest of the Kubernetes image promoter (cip), alone or a directory of
// thin ones. [Load] and [LoadPath] tell them apart by their shape and give a
// [File]: sources, each with the repositories it is to give and the choice of
// tags and digests in each. Which tags a pattern chooses is not known before
// the registry lists them; [Repository.Wants] decides it then.
//
// [LoadPromotion] reads promotion files: one label that moves onto the images of
// one hash, at several registries.
//
// Reading needs no network. Every mistake of a file is reported at once, with
// its line and column and with what was probably meant.
package spec
