// Package trust says which images may be copied, and keeps their signatures.
//
// A [Trust] asks containers/image's policy, containers-policy.json(5), about
// manifests under the name that the user gave them. The signatures of a manifest
// are in a [Store]: for a registry that is a [Home], a lookaside as
// containers-registries.d(5) names it and sigstore's attachments beside the
// image, both reached through the run's client. Verification itself is
// containers/image's own.
package trust
