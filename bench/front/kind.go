package front

import (
	"net/http"
	"strings"
)

// Kind is what a request is for.
type Kind string

// The kinds of requests. Each request is of exactly one.
const (
	Ping         Kind = "ping"
	ManifestHead Kind = "manifest-head"
	ManifestGet  Kind = "manifest-get"
	ManifestPut  Kind = "manifest-put"
	BlobHead     Kind = "blob-head"
	BlobGet      Kind = "blob-get"
	UploadStart  Kind = "upload-start"  // POST without mount=, which opens a session
	UploadSingle Kind = "upload-single" // POST with the blob itself, answered 201
	Mount        Kind = "mount"         // POST with mount=, answered 201
	MountRefused Kind = "mount-refused" // POST with mount=, answered otherwise
	UploadPatch  Kind = "upload-patch"
	UploadFinish Kind = "upload-finish" // PUT
	TagList      Kind = "tag-list"
	Referrers    Kind = "referrers"
	Token        Kind = "token"
	Unauthorized Kind = "unauthorized" // whatever was answered 401
	Other        Kind = "other"
)

// kindOf knows the paths of the OCI distribution specification 1.1, "Endpoints".
func kindOf(req *http.Request, status int) Kind {
	path := req.URL.Path
	switch {
	case status == http.StatusUnauthorized:
		return Unauthorized
	case path == tokenPath:
		return Token
	case path == "/v2/" || path == "/v2":
		return Ping
	case strings.HasSuffix(path, "/tags/list"):
		return TagList
	case strings.Contains(path, "/referrers/"):
		return Referrers
	case strings.Contains(path, "/blobs/uploads/"):
		return uploadKind(req, status)
	case strings.Contains(path, "/manifests/"):
		return byMethod(req, map[string]Kind{"HEAD": ManifestHead, "GET": ManifestGet, "PUT": ManifestPut})
	case strings.Contains(path, "/blobs/"):
		return byMethod(req, map[string]Kind{"HEAD": BlobHead, "GET": BlobGet})
	}
	return Other
}

func uploadKind(req *http.Request, status int) Kind {
	switch {
	case req.Method == http.MethodPatch:
		return UploadPatch
	case req.Method == http.MethodPut:
		return UploadFinish
	case req.Method != http.MethodPost:
		return Other
	case !req.URL.Query().Has("mount") && status == http.StatusCreated:
		return UploadSingle
	case !req.URL.Query().Has("mount"):
		return UploadStart
	case status == http.StatusCreated:
		return Mount
	}
	return MountRefused
}

func byMethod(req *http.Request, kinds map[string]Kind) Kind {
	if kind, known := kinds[req.Method]; known {
		return kind
	}
	return Other
}
