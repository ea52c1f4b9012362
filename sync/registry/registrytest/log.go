package registrytest

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Request is what a client asked and what it was answered.
type Request struct {
	Kind          Kind
	Method        string
	Path          string
	Query         string
	Repository    string // that the path names, if any
	Scheme        string // of the credentials: "Basic", "Bearer", or "" without any
	TLS           bool
	Protocol      string // "HTTP/1.1", "HTTP/2.0"
	Status        int    // 0 when the connection broke before there was one
	RequestBytes  int64  // of the body, as far as it was read
	ResponseBytes int64  // of the body
}

// log keeps the requests in the order of their arrival. A request is complete
// before its client can see the end of the answer.
type log struct {
	mu       sync.Mutex
	requests []*Request
}

// Log returns the requests since [Registry.Reset], in the order of arrival.
func (r *Registry) Log() []Request {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	requests := make([]Request, len(r.log.requests))
	for i, request := range r.log.requests {
		requests[i] = *request
	}
	return requests
}

// Reset forgets all requests and connections so far. Connections that clients
// keep are not counted again.
func (r *Registry) Reset() {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.log.requests = nil
	r.accepted.Store(0)
}

// Connections is the number of connections accepted since [Registry.Reset].
func (r *Registry) Connections() int { return int(r.accepted.Load()) }

// Count is the number of requests of the given kind.
func (r *Registry) Count(kind Kind) int {
	count := 0
	for _, request := range r.Log() {
		if request.Kind == kind {
			count++
		}
	}
	return count
}

// Counts says how many requests there were of each kind, a line for each that
// occurred, sorted: for golden files and as the message of an assertion.
func (r *Registry) Counts() string {
	counts := map[Kind]int{}
	for _, request := range r.Log() {
		counts[request.Kind]++
	}
	var lines []string
	for kind, count := range counts {
		lines = append(lines, fmt.Sprintf("%s %d\n", kind, count))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// BlobBytesRead is the number of blob bytes that clients were sent.
func (r *Registry) BlobBytesRead() int64 {
	var sum int64
	for _, request := range r.Log() {
		if request.Kind == BlobGet {
			sum += request.ResponseBytes
		}
	}
	return sum
}

// BlobBytesWritten is the number of blob bytes that clients sent, also of
// uploads that did not end well.
func (r *Registry) BlobBytesWritten() int64 {
	var sum int64
	for _, request := range r.Log() {
		switch request.Kind {
		case UploadStart, UploadSingle, UploadPatch, UploadFinish, MountRefused:
			sum += request.RequestBytes
		}
	}
	return sum
}

// record enters req and sees to it that the rest is filled in.
func (l *log) record(w http.ResponseWriter, req *http.Request) (http.ResponseWriter, *http.Request) {
	scheme, _, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	request := &Request{
		Kind:       kindOf(req, 0),
		Method:     req.Method,
		Path:       req.URL.Path,
		Query:      req.URL.RawQuery,
		Repository: repositoryOf(req.URL.Path),
		Scheme:     scheme,
		TLS:        req.TLS != nil,
		Protocol:   req.Proto,
	}
	l.mu.Lock()
	l.requests = append(l.requests, request)
	l.mu.Unlock()

	asked := *req // a server may not replace the body of its own request
	asked.Body = &recordedBody{ReadCloser: req.Body, log: l, request: request}
	return &recordedWriter{ResponseWriter: w, log: l, request: request, asked: req}, &asked
}

type recordedBody struct {
	io.ReadCloser
	log     *log
	request *Request
}

func (b *recordedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.log.mu.Lock()
	defer b.log.mu.Unlock()
	b.request.RequestBytes += int64(n)
	return n, err
}

type recordedWriter struct {
	http.ResponseWriter
	log     *log
	request *Request
	asked   *http.Request
}

// WriteHeader fills in what depends on the answer before the client has it.
func (w *recordedWriter) WriteHeader(status int) {
	w.log.mu.Lock()
	if status >= http.StatusOK { // others are interim answers
		w.request.Status, w.request.Kind = status, kindOf(w.asked, status)
	}
	w.log.mu.Unlock()
	w.ResponseWriter.WriteHeader(status)
}

func (w *recordedWriter) Write(p []byte) (int, error) {
	w.log.mu.Lock()
	unanswered := w.request.Status == 0
	w.log.mu.Unlock()
	if unanswered {
		w.WriteHeader(http.StatusOK)
	}
	if w.asked.Method != http.MethodHead { // its body is not sent
		w.log.mu.Lock()
		w.request.ResponseBytes += int64(len(p))
		w.log.mu.Unlock()
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets [http.ResponseController] flush and hijack.
func (w *recordedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
