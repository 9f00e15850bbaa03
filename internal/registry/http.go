package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Handler serves the OCI distribution protocol under /v2/.
type Handler struct {
	Registry *Registry
	Place    Place
	// Enforce asks every request for a password of GetAuthorizationToken;
	// without it any client of the machine may push and pull.
	Enforce bool
	Log     *slog.Logger
}

// route is one kind of request; name is the repository, ref what stands behind the last part.
type route struct {
	form *regexp.Regexp
	do   map[string]func(h *Handler, w http.ResponseWriter, r *http.Request, repository, ref string) error
}

const nameForm = `^/v2/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)`

var routes = []route{
	{regexp.MustCompile(nameForm + `/blobs/uploads/?$`), methods{http.MethodPost: (*Handler).startUpload}},
	{regexp.MustCompile(nameForm + `/blobs/uploads/([0-9a-f-]{36})$`), methods{
		http.MethodGet: (*Handler).uploadStatus, http.MethodPatch: (*Handler).patchUpload,
		http.MethodPut: (*Handler).putUpload, http.MethodDelete: (*Handler).cancelUpload,
	}},
	{regexp.MustCompile(nameForm + `/blobs/(sha256:[0-9a-f]{64})$`), methods{http.MethodGet: (*Handler).getBlob, http.MethodHead: (*Handler).getBlob}},
	{regexp.MustCompile(nameForm + `/manifests/([A-Za-z0-9_][A-Za-z0-9._-]{0,127}|sha256:[0-9a-f]{64})$`), methods{
		http.MethodGet: (*Handler).getManifest, http.MethodHead: (*Handler).getManifest,
		http.MethodPut: (*Handler).putManifest, http.MethodDelete: (*Handler).deleteManifest,
	}},
	{regexp.MustCompile(nameForm + `/tags/list$`), methods{http.MethodGet: (*Handler).listTags}},
}

type methods = map[string]func(h *Handler, w http.ResponseWriter, r *http.Request, repository, ref string) error

// fault is an error of the protocol.
type fault struct {
	status  int
	code    string
	message string
}

func (f *fault) Error() string { return f.code + ": " + f.message }

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	if err := h.serve(w, r); err != nil {
		h.fail(w, r, err)
	}
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) error {
	account, err := h.caller(w, r)
	if err != nil {
		return err
	}
	if r.URL.Path == "/v2/" || r.URL.Path == "/v2" {
		w.Header().Set("Content-Type", "application/json")
		_, err := io.WriteString(w, "{}")
		return err
	}
	for _, route := range routes {
		m := route.form.FindStringSubmatch(r.URL.Path)
		if m == nil {
			continue
		}
		do, ok := route.do[r.Method]
		if !ok {
			return &fault{http.StatusMethodNotAllowed, "UNSUPPORTED", r.Method + " is not supported here"}
		}
		key := h.Place.Key(r.Host, m[1])
		if account != "" && !strings.HasPrefix(key, account+"/") {
			return &fault{http.StatusForbidden, "DENIED", "the token is of another account"}
		}
		ref := ""
		if len(m) > 2 {
			ref = m[2]
		}
		return do(h, w, r, key, ref)
	}
	return &fault{http.StatusNotFound, "NAME_INVALID", "no such resource: " + r.URL.Path}
}

// caller is the account of the request's password; empty where none is asked for.
func (h *Handler) caller(w http.ResponseWriter, r *http.Request) (string, error) {
	if !h.Enforce {
		return "", nil
	}
	user, password, ok := r.BasicAuth()
	if ok && user == User {
		account, err := h.Registry.Verify(r.Context(), password)
		if err == nil {
			return account, nil
		}
		if !errors.Is(err, ErrToken) {
			return "", err
		}
	}
	w.Header().Set("WWW-Authenticate", fmt.Sprintf("Basic realm=%q,service=%q", "http://"+r.Host+"/", "ecr"))
	return "", &fault{http.StatusUnauthorized, "UNAUTHORIZED", "no basic auth credentials, or your authorization token has expired; log in again"}
}

// faults says what the registry's errors are in the protocol.
var faults = []struct {
	err    error
	status int
	code   string
}{
	{ErrRepository, http.StatusNotFound, "NAME_UNKNOWN"},
	{ErrImage, http.StatusNotFound, "MANIFEST_UNKNOWN"},
	{ErrLayer, http.StatusNotFound, "BLOB_UNKNOWN"},
	{ErrMissingLayers, http.StatusNotFound, "MANIFEST_BLOB_UNKNOWN"},
	{ErrManifest, http.StatusBadRequest, "MANIFEST_INVALID"},
	{ErrTagImmutable, http.StatusBadRequest, "TAG_INVALID"},
	{ErrInUse, http.StatusBadRequest, "DENIED"},
	{ErrUploadUnknown, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN"},
	{ErrUploadRange, http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID"},
	{ErrDigest, http.StatusBadRequest, "DIGEST_INVALID"},
	{ErrTooLarge, http.StatusRequestEntityTooLarge, "SIZE_INVALID"},
}

func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := &fault{status: http.StatusInternalServerError, code: "UNKNOWN", message: "internal error"}
	if !errors.As(err, &f) {
		known := false
		for _, k := range faults {
			if errors.Is(err, k.err) {
				f, known = &fault{k.status, k.code, err.Error()}, true
				break
			}
		}
		if !known && r.Context().Err() == nil {
			h.Log.Error("registry", "method", r.Method, "path", r.URL.Path, "error", err)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.status)
	if r.Method != http.MethodHead {
		json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]any{"code": f.code, "message": f.message}}})
	}
}

func (h *Handler) path(r *http.Request, rest string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/blobs/")
	name, _, _ = strings.Cut(name, "/manifests/")
	return "/v2/" + name + rest
}

func (h *Handler) startUpload(w http.ResponseWriter, r *http.Request, repository, _ string) error {
	q := r.URL.Query()
	if digest, from := q.Get("mount"), q.Get("from"); digest != "" && from != "" {
		err := h.Registry.Mount(r.Context(), h.Place.Key(r.Host, from), repository, digest)
		if err == nil {
			w.Header().Set("Location", h.path(r, "/blobs/"+digest))
			w.Header().Set("Docker-Content-Digest", digest)
			w.WriteHeader(http.StatusCreated)
			return nil
		}
		if !errors.Is(err, ErrLayer) {
			return err
		}
	}
	id, err := h.Registry.StartUpload(repository)
	if err != nil {
		return err
	}
	if digest := q.Get("digest"); digest != "" {
		return h.finish(w, r, repository, id, digest)
	}
	h.accepted(w, r, id, 0)
	return nil
}

// accepted tells the client where its upload stands.
func (h *Handler) accepted(w http.ResponseWriter, r *http.Request, id string, size int64) {
	w.Header().Set("Location", h.path(r, "/blobs/uploads/"+id))
	w.Header().Set("Docker-Upload-UUID", id)
	w.Header().Set("Range", fmt.Sprintf("0-%d", max(size-1, 0)))
	status := http.StatusAccepted
	if r.Method == http.MethodGet {
		status = http.StatusNoContent
	}
	w.WriteHeader(status)
}

func (h *Handler) uploadStatus(w http.ResponseWriter, r *http.Request, repository, id string) error {
	size, err := h.Registry.Received(repository, id)
	if err != nil {
		return err
	}
	h.accepted(w, r, id, size)
	return nil
}

func (h *Handler) patchUpload(w http.ResponseWriter, r *http.Request, repository, id string) error {
	first := int64(-1)
	if rng := r.Header.Get("Content-Range"); rng != "" {
		from, _, _ := strings.Cut(rng, "-")
		n, err := strconv.ParseInt(from, 10, 64)
		if err != nil || n < 0 {
			return ErrUploadRange
		}
		first = n
	}
	size, err := h.Registry.Upload(repository, id, first, r.Body)
	if err != nil {
		return err
	}
	h.accepted(w, r, id, size)
	return nil
}

func (h *Handler) putUpload(w http.ResponseWriter, r *http.Request, repository, id string) error {
	return h.finish(w, r, repository, id, r.URL.Query().Get("digest"))
}

func (h *Handler) finish(w http.ResponseWriter, r *http.Request, repository, id, digest string) error {
	if !ValidDigest(digest) {
		return ErrDigest
	}
	if _, err := h.Registry.Upload(repository, id, -1, r.Body); err != nil {
		return err
	}
	if err := h.Registry.FinishUpload(r.Context(), repository, id, digest); err != nil {
		return err
	}
	w.Header().Set("Location", h.path(r, "/blobs/"+digest))
	w.Header().Set("Docker-Content-Digest", digest)
	w.WriteHeader(http.StatusCreated)
	return nil
}

func (h *Handler) cancelUpload(w http.ResponseWriter, _ *http.Request, repository, id string) error {
	if err := h.Registry.CancelUpload(repository, id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) getBlob(w http.ResponseWriter, r *http.Request, repository, digest string) error {
	if _, err := h.Registry.Repository(h.Registry.store.View(), repository); err != nil {
		return err
	}
	f, err := h.Registry.OpenLayer(repository, digest)
	if err != nil {
		return err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Docker-Content-Digest", digest)
	w.Header().Set("Etag", `"`+digest+`"`)
	http.ServeContent(w, r, "", fi.ModTime(), f)
	return nil
}

func (h *Handler) getManifest(w http.ResponseWriter, r *http.Request, repository, reference string) error {
	tx := h.Registry.store.View()
	if _, err := h.Registry.Repository(tx, repository); err != nil {
		return err
	}
	img, err := h.Registry.Image(tx, repository, reference)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", img.MediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(img.Manifest)))
	w.Header().Set("Docker-Content-Digest", img.Digest)
	if r.Method == http.MethodHead {
		return nil
	}
	_, err = w.Write(img.Manifest)
	return err
}

func (h *Handler) putManifest(w http.ResponseWriter, r *http.Request, repository, reference string) error {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxManifest))
	if err != nil {
		return &fault{http.StatusRequestEntityTooLarge, "MANIFEST_INVALID", "manifest is larger than 4 MiB or was cut short"}
	}
	tag := reference
	if ValidDigest(reference) {
		tag = ""
		if DigestOf(text) != reference {
			return ErrDigest
		}
	}
	img, err := h.Registry.PutImage(r.Context(), repository, tag, text, r.Header.Get("Content-Type"))
	if err != nil && !errors.Is(err, ErrTagUnchanged) { // pushing once more changes nothing
		return err
	}
	digest := DigestOf(text)
	w.Header().Set("Location", h.path(r, "/manifests/"+digest))
	w.Header().Set("Docker-Content-Digest", digest)
	if img != nil && img.Subject != "" {
		w.Header().Set("OCI-Subject", img.Subject)
	}
	w.WriteHeader(http.StatusCreated)
	return nil
}

func (h *Handler) deleteManifest(w http.ResponseWriter, r *http.Request, repository, reference string) error {
	var err error
	if ValidDigest(reference) {
		_, err = h.Registry.DeleteImage(r.Context(), repository, reference)
	} else {
		_, err = h.Registry.DeleteTag(r.Context(), repository, reference)
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (h *Handler) listTags(w http.ResponseWriter, r *http.Request, repository, _ string) error {
	tx := h.Registry.store.View()
	if _, err := h.Registry.Repository(tx, repository); err != nil {
		return err
	}
	tags := h.Registry.TagNames(tx, repository)
	q := r.URL.Query()
	for len(tags) > 0 && tags[0] <= q.Get("last") {
		tags = tags[1:]
	}
	if n, err := strconv.Atoi(q.Get("n")); err == nil && n >= 0 && n < len(tags) {
		tags = tags[:n]
		if n > 0 {
			w.Header().Set("Link", fmt.Sprintf(`<%s?n=%d&last=%s>; rel="next"`, r.URL.Path, n, tags[n-1]))
		}
	}
	if tags == nil {
		tags = []string{}
	}
	w.Header().Set("Content-Type", "application/json")
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/tags/list")
	return json.NewEncoder(w).Encode(map[string]any{"name": name, "tags": tags})
}
