// Package origin finds out of which images a promotion is, and of which hash: it
// reads text files, tripleo container files, the logs of Zuul builds, and asks
// DLRN. [Find] does it, by a [Getter] that brings files and what is at URLs.
//
// What was brought is never trusted to be a list: an error page, an empty list
// or a malformed hash is an error that says where it came from.
package origin
