package images

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
)

// TestEndlessIndex imports an archive of 60 small indexes, each of which names the one before it twice: 2^60 ways.
func TestEndlessIndex(t *testing.T) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	add := func(name, text string) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	const index = "application/vnd.oci.image.index.v1+json"
	text := `{"schemaVersion":2,"mediaType":"` + index + `","manifests":[]}`
	for range 60 {
		sum := fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
		add("blobs/sha256/"+sum, text)
		child := fmt.Sprintf(`{"mediaType":%q,"digest":"sha256:%s","size":%d}`, index, sum, len(text))
		text = fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[%s,%s]}`, index, child, child)
	}
	add("index.json", text)
	add("oci-layout", `{"imageLayoutVersion":"1.0.0"}`)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store(t, nil).Import(t.Context(), &archive, "endless:1"); !errors.Is(err, errEndless) {
		t.Errorf("import: %v", err)
	}
}
