package images

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// TestImportNested: an index names an index twice, which names one twice, and
// so on: who follows every path to the image at the end never gets there.
func TestImportNested(t *testing.T) {
	s := store(t, nil)
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	add := func(name string, v any) ocispec.Descriptor {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		d := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: digest.FromBytes(b), Size: int64(len(b))}
		if name == "" {
			name = "blobs/sha256/" + d.Digest.Encoded()
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Size: d.Size, Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		return d
	}
	config := add("", ocispec.Image{Platform: s.platform, RootFS: ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{}}})
	config.MediaType = ocispec.MediaTypeImageConfig
	top := add("", ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Config: config, Layers: []ocispec.Descriptor{}})
	top.MediaType = ocispec.MediaTypeImageManifest
	for range 40 {
		top = add("", ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{top, top}})
	}
	add("oci-layout", ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion})
	add("index.json", ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{top}})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if names, err := s.Import(ctx, &archive, "nested:1"); err != nil || len(names) != 1 {
		t.Errorf("%q, %v", names, err)
	}
}
