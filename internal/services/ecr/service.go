package ecr

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	ecrapi "github.com/neargate/neargate/internal/api/ecr"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/policy"
	"github.com/neargate/neargate/internal/registry"
	"github.com/neargate/neargate/internal/state"
)

// Service is the ECR front.
type Service struct {
	store    *state.Store
	tables   *registry.Tables
	registry *registry.Registry
	place    registry.Place
}

// New returns the front over a registry at place.
func New(store *state.Store, tables *registry.Tables, r *registry.Registry, place registry.Place) *Service {
	return &Service{store: store, tables: tables, registry: r, place: place}
}

// Operations are the operations this front serves.
func (s *Service) Operations() []aws.Binding {
	return []aws.Binding{
		ecrapi.CreateRepository.Bind(s.CreateRepository),
		ecrapi.DescribeRepositories.Bind(s.DescribeRepositories),
		ecrapi.DeleteRepository.Bind(s.DeleteRepository),
		ecrapi.PutImageTagMutability.Bind(s.PutImageTagMutability),
		ecrapi.PutImageScanningConfiguration.Bind(s.PutImageScanningConfiguration),
		ecrapi.SetRepositoryPolicy.Bind(s.SetRepositoryPolicy),
		ecrapi.GetRepositoryPolicy.Bind(s.GetRepositoryPolicy),
		ecrapi.DeleteRepositoryPolicy.Bind(s.DeleteRepositoryPolicy),
		ecrapi.TagResource.Bind(s.TagResource),
		ecrapi.UntagResource.Bind(s.UntagResource),
		ecrapi.ListTagsForResource.Bind(s.ListTagsForResource),
		ecrapi.DescribeRegistry.Bind(s.DescribeRegistry),
		ecrapi.GetAuthorizationToken.Bind(s.GetAuthorizationToken),

		ecrapi.ListImages.Bind(s.ListImages),
		ecrapi.DescribeImages.Bind(s.DescribeImages),
		ecrapi.BatchGetImage.Bind(s.BatchGetImage),
		ecrapi.BatchDeleteImage.Bind(s.BatchDeleteImage),
		ecrapi.PutImage.Bind(s.PutImage),

		ecrapi.InitiateLayerUpload.Bind(s.InitiateLayerUpload),
		ecrapi.UploadLayerPart.Bind(s.UploadLayerPart),
		ecrapi.CompleteLayerUpload.Bind(s.CompleteLayerUpload),
		ecrapi.BatchCheckLayerAvailability.Bind(s.BatchCheckLayerAvailability),
		ecrapi.GetDownloadUrlForLayer.Bind(s.GetDownloadUrlForLayer),
	}
}

// Default and largest page of ECR's lists.
const (
	pageDefault = 100
	pageMax     = 1000
)

// find looks a repository up in the caller's registry, or in the one named if
// the repository's policy lets the caller in.
func (s *Service) find(ctx context.Context, tx *state.Tx, registryID, name *string) (*registry.Repository, error) {
	call := aws.From(ctx)
	account := call.Account
	if registryID != nil {
		account = *registryID
	}
	repo, err := s.registry.Repository(tx, registry.Key(account, call.Region, *name))
	if account != call.Account {
		if err != nil {
			repo = &registry.Repository{Account: account, Region: call.Region, Name: *name}
		}
		return repo, admits(repo, call) // nobody learns what there is in another's registry
	}
	if err != nil {
		return nil, ecrapi.ErrRepositoryNotFoundException.New("The repository with name '%s' does not exist in the registry with id '%s'", *name, account)
	}
	return repo, nil
}

// admits refuses callers of another account whom the repository's policy does not let in.
func admits(repo *registry.Repository, call *aws.Call) error {
	action := "ecr:" + call.Operation
	granted, err := policy.Grants(repo.Policy, policy.TrustRequest{Action: action, Account: call.Account, Principal: call.Principal})
	switch {
	case err != nil:
		return awserr.Unsupported(fmt.Errorf("ecr repository policy: %w", err))
	case !granted:
		return awserr.New("AccessDeniedException", http.StatusBadRequest,
			"User: %s is not authorized to perform: %s on resource: %s because no resource-based policy allows the %s action", call.Principal, action, repoARN(repo), action)
	}
	return nil
}

// change changes a copy of a repository and writes it.
func (s *Service) change(ctx context.Context, registryID, name *string, fn func(r *registry.Repository) error) (*registry.Repository, error) {
	var r registry.Repository
	err := s.store.Update(ctx, func(tx *state.Tx) error {
		have, err := s.find(ctx, tx, registryID, name)
		if err != nil {
			return err
		}
		r = *have
		if err := fn(&r); err != nil {
			return err
		}
		s.tables.Repositories.Put(tx, &r)
		return nil
	})
	return &r, err
}

// failure names the registry's errors as ECR does.
func failure(err error, repo *registry.Repository) error {
	name := repo.Name
	switch {
	case errors.Is(err, registry.ErrManifest):
		return ecrapi.ErrInvalidParameterException.New("Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax or unsupported manifest: %s'", err)
	case errors.Is(err, registry.ErrMissingLayers):
		_, what, _ := strings.Cut(err.Error(), ": ")
		return ecrapi.ErrLayersNotFoundException.New("Required layers are not found in the repository with name '%s': %s", name, what)
	case errors.Is(err, registry.ErrTagImmutable):
		return ecrapi.ErrImageTagAlreadyExistsException.New("The image tag already exists in the '%s' repository and cannot be overwritten because the repository is immutable.", name)
	case errors.Is(err, registry.ErrTagUnchanged):
		return ecrapi.ErrImageAlreadyExistsException.New("Image with digest and tag already exists in the repository with name '%s' in registry with id '%s'", name, repo.Account)
	case errors.Is(err, registry.ErrUploadUnknown):
		return ecrapi.ErrUploadNotFoundException.New("The upload could not be found, or the specified upload id is not valid for the repository with name '%s'", name)
	case errors.Is(err, registry.ErrUploadRange):
		return ecrapi.ErrInvalidLayerPartException.New("The layer part does not follow the last byte received").With("repositoryName", name).With("registryId", repo.Account)
	case errors.Is(err, registry.ErrDigest):
		return ecrapi.ErrInvalidLayerException.New("The layer digest calculation performed by Amazon ECR upon receipt of the image layer does not match the digest specified.")
	case errors.Is(err, registry.ErrTooLarge):
		return ecrapi.ErrInvalidParameterException.New("The layer is larger than the limit.")
	}
	return err
}
