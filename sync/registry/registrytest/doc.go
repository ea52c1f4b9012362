// Package registrytest runs real registries for tests and the demo: olareg in
// this process, or Debian's docker-registry as a process of its own, both
// behind a front on a loopback port that counts what clients do, asks them for
// credentials, and fails where a test wants it to.
//
//	source := registrytest.Start(t)
//	digest := source.Push(t, "library/redis", "7.2", registrytest.RandomImage(1))
//	… // a client copies it
//	require.Equal(t, 1, source.Count(registrytest.ManifestGet), source.Counts())
//
// What a test itself pushes and reads with the methods of [Registry] goes past
// the front: it needs no credentials, is not counted and cannot be made to fail.
package registrytest
