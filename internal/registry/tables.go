package registry

import (
	"time"

	"github.com/neargate/neargate/internal/state"
)

// Repository is an ECR repository.
type Repository struct {
	Account, Region, Name string
	Created               time.Time
	Immutable             bool     // tags can't be moved
	Exclusions            []string // wildcard filters of tags that the other mode applies to
	ScanOnPush            bool
	Policy                string
	Tags                  map[string]string
}

// Image is one manifest of a repository.
type Image struct {
	Repository string // Repository.Key
	Digest     string
	MediaType  string
	Artifact   string // media type of the config, or the manifest's artifactType
	Subject    string // digest of the manifest this one is about
	Size       int64  // of the layers, compressed
	Pushed     time.Time
	Manifest   []byte
	Blobs      []string // config and layers
	Children   []string // manifests of an index
}

// Tag names an image of its repository.
type Tag struct {
	Repository string
	Name       string
	Digest     string
}

// Layer says that a repository has a blob.
type Layer struct {
	Repository string
	Digest     string
	Size       int64
	Uploaded   time.Time
}

// secret signs authorization tokens.
type secret struct {
	ID  string
	Key []byte
}

// Tables are the tables of this package.
type Tables struct {
	Repositories *state.Table[Repository] // key: account/region/name
	Images       *state.Table[Image]      // key: repository key@digest
	Tags         *state.Table[Tag]        // key: repository key:tag
	Layers       *state.Table[Layer]      // key: repository key@digest
	secrets      *state.Table[secret]
}

// Indexes of the tables.
const (
	byRepository = "repository"
	byDigest     = "digest" // tags by repository key@digest, layers by digest
	byBlob       = "blob"   // images by repository key@digest of their blobs
)

// NewTables adds the tables to the schema.
func NewTables(s *state.Schema) *Tables {
	return &Tables{
		Repositories: state.AddTable(s, "registry.repository", func(r *Repository) string { return r.Key() }),
		Images: state.AddTable(s, "registry.image", func(i *Image) string { return at(i.Repository, i.Digest) },
			state.Index(byRepository, func(i *Image) []string { return []string{i.Repository} }),
			state.Index(byBlob, func(i *Image) []string {
				keys := make([]string, 0, len(i.Blobs))
				for _, b := range i.Blobs {
					keys = append(keys, at(i.Repository, b))
				}
				return keys
			})),
		Tags: state.AddTable(s, "registry.tag", func(t *Tag) string { return t.Repository + ":" + t.Name },
			state.Index(byRepository, func(t *Tag) []string { return []string{t.Repository} }),
			state.Index(byDigest, func(t *Tag) []string { return []string{at(t.Repository, t.Digest)} })),
		Layers: state.AddTable(s, "registry.layer", func(l *Layer) string { return at(l.Repository, l.Digest) },
			state.Index(byRepository, func(l *Layer) []string { return []string{l.Repository} }),
			state.Index(byDigest, func(l *Layer) []string { return []string{l.Digest} })),
		secrets: state.AddTable(s, "registry.secret", func(s *secret) string { return s.ID }),
	}
}

// Key is the key of a repository.
func Key(account, region, name string) string { return account + "/" + region + "/" + name }

// Key is the repository's key.
func (r *Repository) Key() string { return Key(r.Account, r.Region, r.Name) }

func at(repository, digest string) string { return repository + "@" + digest }
