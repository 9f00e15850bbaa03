package registry

import (
	"encoding/json"
	"fmt"
	"slices"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// MaxManifest is the largest manifest in bytes.
const MaxManifest = 4 << 20

// Media types of manifests.
const (
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// manifest is what the registry reads of either kind.
type manifest struct {
	SchemaVersion int            `json:"schemaVersion"`
	MediaType     string         `json:"mediaType"`
	ArtifactType  string         `json:"artifactType"`
	Config        *v1.Descriptor `json:"config"`
	Layers        []v1.Descriptor
	Manifests     []v1.Descriptor
	Subject       *v1.Descriptor
}

// readManifest turns a manifest's text into the row of an image.
func readManifest(text []byte, mediaType string) (*Image, error) {
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("manifest is not valid JSON: %w", err)
	}
	if mediaType == "" {
		mediaType = m.MediaType
	}
	if m.MediaType != "" && m.MediaType != mediaType {
		return nil, fmt.Errorf("manifest says it is %s, its content type %s", m.MediaType, mediaType)
	}
	img := &Image{Digest: DigestOf(text), MediaType: mediaType, Manifest: text, Artifact: m.ArtifactType}
	if m.Subject != nil {
		img.Subject = string(m.Subject.Digest)
	}
	switch mediaType {
	case v1.MediaTypeImageManifest, dockerManifest:
		if m.Config == nil {
			return nil, fmt.Errorf("manifest has no config")
		}
		if img.Artifact == "" {
			img.Artifact = m.Config.MediaType
		}
		img.Blobs = append(img.Blobs, string(m.Config.Digest))
		for _, l := range m.Layers {
			if !slices.Contains(img.Blobs, string(l.Digest)) {
				img.Blobs = append(img.Blobs, string(l.Digest))
			}
			img.Size += l.Size
		}
	case v1.MediaTypeImageIndex, dockerList:
		for _, c := range m.Manifests {
			img.Children = append(img.Children, string(c.Digest))
			img.Size += c.Size
		}
	default:
		return nil, fmt.Errorf("manifest of media type %q is not supported", mediaType)
	}
	for _, d := range slices.Concat(img.Blobs, img.Children) {
		if !ValidDigest(d) {
			return nil, fmt.Errorf("manifest names %q, which is no sha256 digest", d)
		}
	}
	return img, nil
}
