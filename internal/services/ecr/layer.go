package ecr

import (
	"bytes"
	"context"

	ecrapi "github.com/neargate/neargate/internal/api/ecr"
	"github.com/neargate/neargate/internal/registry"
)

// partSize is what InitiateLayerUpload tells clients to send at a time.
const partSize = 10 << 20

// InitiateLayerUpload begins an upload.
func (s *Service) InitiateLayerUpload(ctx context.Context, in *ecrapi.InitiateLayerUploadInput) (*ecrapi.InitiateLayerUploadOutput, error) {
	repo, err := s.find(ctx, s.store.View(), in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	id, err := s.registry.StartUpload(repo.Key())
	return &ecrapi.InitiateLayerUploadOutput{UploadId: &id, PartSize: new(int64(partSize))}, err
}

// UploadLayerPart appends to an upload.
func (s *Service) UploadLayerPart(ctx context.Context, in *ecrapi.UploadLayerPartInput) (*ecrapi.UploadLayerPartOutput, error) {
	repo, err := s.find(ctx, s.store.View(), in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if *in.PartLastByte-*in.PartFirstByte+1 != int64(len(in.LayerPartBlob)) {
		return nil, failure(registry.ErrUploadRange, repo)
	}
	size, err := s.registry.Upload(repo.Key(), *in.UploadId, *in.PartFirstByte, bytes.NewReader(in.LayerPartBlob))
	if err != nil {
		return nil, failure(err, repo)
	}
	return &ecrapi.UploadLayerPartOutput{RegistryId: new(repo.Account), RepositoryName: new(repo.Name), UploadId: in.UploadId, LastByteReceived: new(size - 1)}, nil
}

// CompleteLayerUpload makes an upload a layer.
func (s *Service) CompleteLayerUpload(ctx context.Context, in *ecrapi.CompleteLayerUploadInput) (*ecrapi.CompleteLayerUploadOutput, error) {
	repo, err := s.find(ctx, s.store.View(), in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	digest := in.LayerDigests[0]
	if !registry.ValidDigest(digest) {
		return nil, ecrapi.ErrInvalidParameterException.New("Invalid parameter at 'layerDigests' failed to satisfy constraint: 'only sha256 digests are supported'")
	}
	size, err := s.registry.Received(repo.Key(), *in.UploadId)
	if err != nil {
		return nil, failure(err, repo)
	}
	if size == 0 {
		return nil, ecrapi.ErrEmptyUploadException.New("The specified layer upload does not contain any layer parts.")
	}
	if _, err := s.registry.Layer(s.store.View(), repo.Key(), digest); err == nil {
		return nil, ecrapi.ErrLayerAlreadyExistsException.New("The image layer with digest '%s' already exists in the repository with name '%s' in the registry with id '%s'", digest, repo.Name, repo.Account)
	}
	if err := s.registry.FinishUpload(ctx, repo.Key(), *in.UploadId, digest); err != nil {
		return nil, failure(err, repo)
	}
	return &ecrapi.CompleteLayerUploadOutput{RegistryId: new(repo.Account), RepositoryName: new(repo.Name), UploadId: in.UploadId, LayerDigest: &digest}, nil
}

// BatchCheckLayerAvailability says which layers a repository has.
func (s *Service) BatchCheckLayerAvailability(ctx context.Context, in *ecrapi.BatchCheckLayerAvailabilityInput) (*ecrapi.BatchCheckLayerAvailabilityOutput, error) {
	tx := s.store.View()
	repo, err := s.find(ctx, tx, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	out := &ecrapi.BatchCheckLayerAvailabilityOutput{Layers: []ecrapi.Layer{}, Failures: []ecrapi.LayerFailure{}}
	for _, digest := range in.LayerDigests {
		if !registry.ValidDigest(digest) {
			out.Failures = append(out.Failures, ecrapi.LayerFailure{LayerDigest: new(digest), FailureCode: new("InvalidLayerDigest"), FailureReason: new("Invalid layer digest")})
			continue
		}
		layer := ecrapi.Layer{LayerDigest: new(digest), LayerAvailability: new("UNAVAILABLE")}
		if l, err := s.registry.Layer(tx, repo.Key(), digest); err == nil {
			layer.LayerAvailability, layer.LayerSize = new("AVAILABLE"), new(l.Size)
		}
		out.Layers = append(out.Layers, layer)
	}
	return out, nil
}

// GetDownloadUrlForLayer answers where the registry serves a layer.
func (s *Service) GetDownloadUrlForLayer(ctx context.Context, in *ecrapi.GetDownloadUrlForLayerInput) (*ecrapi.GetDownloadUrlForLayerOutput, error) {
	tx := s.store.View()
	repo, err := s.find(ctx, tx, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if _, err := s.registry.Layer(tx, repo.Key(), *in.LayerDigest); err != nil {
		return nil, ecrapi.ErrLayersNotFoundException.New("The layer with digest '%s' was not found in the repository with name '%s'", *in.LayerDigest, repo.Name)
	}
	return &ecrapi.GetDownloadUrlForLayerOutput{
		LayerDigest: in.LayerDigest,
		DownloadUrl: new("http://" + s.place.Endpoint + "/v2/" + repo.Key() + "/blobs/" + *in.LayerDigest),
	}, nil
}
