// Package front stands before a registry and makes it look far away: each
// request and each new connection costs round trips, answers leave at a limited
// rate, bearer tokens are asked for where wanted, and everything is counted.
//
// A front is a handler, for what happens to a request, and a listener, for what
// happens to a connection:
//
//	f := front.New(registry, front.Options{RoundTrip: 50 * time.Millisecond})
//	server := &http.Server{Handler: f}
//	server.Serve(f.Listener(listener))
//	…
//	f.Counts()
package front
