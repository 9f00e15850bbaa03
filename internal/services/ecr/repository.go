package ecr

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"

	ecrapi "github.com/neargate/neargate/internal/api/ecr"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/registry"
	"github.com/neargate/neargate/internal/state"
)

func repoARN(r *registry.Repository) string {
	return arn.New("ecr", r.Region, r.Account, "repository/"+r.Name)
}

func (s *Service) shape(r *registry.Repository) ecrapi.Repository {
	out := ecrapi.Repository{
		RepositoryArn: new(repoARN(r)), RegistryId: new(r.Account), RepositoryName: new(r.Name),
		RepositoryUri: new(s.place.URI(r.Account, r.Region, r.Name)), CreatedAt: new(r.Created),
		ImageTagMutability:         new(mutability(r)),
		ImageScanningConfiguration: &ecrapi.ImageScanningConfiguration{ScanOnPush: new(r.ScanOnPush)},
		EncryptionConfiguration:    &ecrapi.EncryptionConfiguration{EncryptionType: new("AES256")},
	}
	for _, f := range r.Exclusions {
		out.ImageTagMutabilityExclusionFilters = append(out.ImageTagMutabilityExclusionFilters,
			ecrapi.ImageTagMutabilityExclusionFilter{Filter: new(f), FilterType: new("WILDCARD")})
	}
	return out
}

func mutability(r *registry.Repository) string {
	mode := "MUTABLE"
	if r.Immutable {
		mode = "IMMUTABLE"
	}
	if len(r.Exclusions) > 0 {
		mode += "_WITH_EXCLUSION"
	}
	return mode
}

func setMutability(r *registry.Repository, mode *string, filters []ecrapi.ImageTagMutabilityExclusionFilter) error {
	m := aws.Val(mode)
	excluding := strings.HasSuffix(m, "_WITH_EXCLUSION")
	if excluding != (len(filters) > 0) {
		return ecrapi.ErrInvalidParameterException.New("Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: 'filters go with the modes IMMUTABLE_WITH_EXCLUSION and MUTABLE_WITH_EXCLUSION, and these need them'")
	}
	r.Immutable = strings.HasPrefix(m, "IMMUTABLE")
	r.Exclusions = nil
	for _, f := range filters {
		r.Exclusions = append(r.Exclusions, *f.Filter)
	}
	return nil
}

// CreateRepository makes a repository.
func (s *Service) CreateRepository(ctx context.Context, in *ecrapi.CreateRepositoryInput) (*ecrapi.CreateRepositoryOutput, error) {
	call := aws.From(ctx)
	switch {
	case in.RegistryId != nil && *in.RegistryId != call.Account:
		return nil, admits(&registry.Repository{Account: *in.RegistryId, Region: call.Region, Name: *in.RepositoryName}, call)
	case in.EncryptionConfiguration != nil && *in.EncryptionConfiguration.EncryptionType != "AES256":
		return nil, awserr.NotImplemented("ecr CreateRepository encryptionConfiguration " + *in.EncryptionConfiguration.EncryptionType)
	case registry.Qualified(*in.RepositoryName):
		return nil, ecrapi.ErrInvalidParameterException.New("Invalid parameter at 'repositoryName' failed to satisfy constraint: 'a name that starts with an account and a Region would be taken for another account's repository'")
	}
	r := &registry.Repository{Account: call.Account, Region: call.Region, Name: *in.RepositoryName, Created: call.Now.UTC()}
	if in.ImageScanningConfiguration != nil {
		r.ScanOnPush = aws.Val(in.ImageScanningConfiguration.ScanOnPush)
	}
	if err := setMutability(r, in.ImageTagMutability, in.ImageTagMutabilityExclusionFilters); err != nil {
		return nil, err
	}
	var err error
	if r.Tags, err = tagged(nil, in.Tags); err != nil {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx *state.Tx) error {
		if _, err := s.registry.Repository(tx, r.Key()); err == nil {
			return ecrapi.ErrRepositoryAlreadyExistsException.New("The repository with name '%s' already exists in the registry with id '%s'", r.Name, r.Account)
		}
		s.tables.Repositories.Put(tx, r)
		return nil
	})
	return &ecrapi.CreateRepositoryOutput{Repository: new(s.shape(r))}, err
}

// DescribeRepositories lists repositories: all of them or those named.
func (s *Service) DescribeRepositories(ctx context.Context, in *ecrapi.DescribeRepositoriesInput) (*ecrapi.DescribeRepositoriesOutput, error) {
	call, tx := aws.From(ctx), s.store.View()
	out := &ecrapi.DescribeRepositoriesOutput{Repositories: []ecrapi.Repository{}}
	if len(in.RepositoryNames) > 0 {
		if in.NextToken != nil || in.MaxResults != nil {
			return nil, ecrapi.ErrInvalidParameterException.New("Invalid parameter at 'repositoryNames' failed to satisfy constraint: 'names can't be given together with maxResults or nextToken'")
		}
		for _, name := range in.RepositoryNames {
			r, err := s.find(ctx, tx, in.RegistryId, &name)
			if err != nil {
				return nil, err
			}
			out.Repositories = append(out.Repositories, s.shape(r))
		}
		return out, nil
	}
	if in.RegistryId != nil && *in.RegistryId != call.Account {
		return nil, admits(&registry.Repository{Account: *in.RegistryId, Region: call.Region, Name: "*"}, call)
	}
	var all []*registry.Repository
	for r := range s.tables.Repositories.All(tx, registry.Key(call.Account, call.Region, "")) {
		all = append(all, r)
	}
	shown, next, err := page.Of(all, func(r *registry.Repository) string { return r.Name }, in.NextToken, int(aws.Val(in.MaxResults)), pageDefault, pageMax)
	for _, r := range shown {
		out.Repositories = append(out.Repositories, s.shape(r))
	}
	out.NextToken = next
	return out, err
}

// DeleteRepository deletes a repository; one with images only by force.
func (s *Service) DeleteRepository(ctx context.Context, in *ecrapi.DeleteRepositoryInput) (*ecrapi.DeleteRepositoryOutput, error) {
	r, err := s.find(ctx, s.store.View(), in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	switch gone, err := s.registry.DeleteRepository(ctx, r.Key(), aws.Val(in.Force)); err {
	case nil:
		return &ecrapi.DeleteRepositoryOutput{Repository: new(s.shape(gone))}, nil
	case registry.ErrNotEmpty:
		return nil, ecrapi.ErrRepositoryNotEmptyException.New("The repository with name '%s' in registry with id '%s' cannot be deleted because it still contains images", r.Name, r.Account)
	default:
		return nil, err
	}
}

// PutImageTagMutability changes whether tags can be moved.
func (s *Service) PutImageTagMutability(ctx context.Context, in *ecrapi.PutImageTagMutabilityInput) (*ecrapi.PutImageTagMutabilityOutput, error) {
	r, err := s.change(ctx, in.RegistryId, in.RepositoryName, func(r *registry.Repository) error {
		return setMutability(r, in.ImageTagMutability, in.ImageTagMutabilityExclusionFilters)
	})
	if err != nil {
		return nil, err
	}
	return &ecrapi.PutImageTagMutabilityOutput{
		RegistryId: new(r.Account), RepositoryName: new(r.Name), ImageTagMutability: new(mutability(r)),
		ImageTagMutabilityExclusionFilters: in.ImageTagMutabilityExclusionFilters,
	}, nil
}

// PutImageScanningConfiguration keeps the setting; findings come later, and DescribeImageScanFindings says so.
func (s *Service) PutImageScanningConfiguration(ctx context.Context, in *ecrapi.PutImageScanningConfigurationInput) (*ecrapi.PutImageScanningConfigurationOutput, error) {
	r, err := s.change(ctx, in.RegistryId, in.RepositoryName, func(r *registry.Repository) error {
		r.ScanOnPush = aws.Val(in.ImageScanningConfiguration.ScanOnPush)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecrapi.PutImageScanningConfigurationOutput{
		RegistryId: new(r.Account), RepositoryName: new(r.Name),
		ImageScanningConfiguration: &ecrapi.ImageScanningConfiguration{ScanOnPush: new(r.ScanOnPush)},
	}, nil
}

// SetRepositoryPolicy keeps a resource policy.
func (s *Service) SetRepositoryPolicy(ctx context.Context, in *ecrapi.SetRepositoryPolicyInput) (*ecrapi.SetRepositoryPolicyOutput, error) {
	var document map[string]any
	if err := json.Unmarshal([]byte(*in.PolicyText), &document); err != nil || document["Statement"] == nil {
		return nil, ecrapi.ErrInvalidParameterException.New("Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'")
	}
	r, err := s.change(ctx, in.RegistryId, in.RepositoryName, func(r *registry.Repository) error {
		r.Policy = *in.PolicyText
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecrapi.SetRepositoryPolicyOutput{RegistryId: new(r.Account), RepositoryName: new(r.Name), PolicyText: new(r.Policy)}, nil
}

func noPolicy(r *registry.Repository) error {
	return ecrapi.ErrRepositoryPolicyNotFoundException.New("Repository policy does not exist for the repository with name '%s' in the registry with id '%s'", r.Name, r.Account)
}

// GetRepositoryPolicy reads the resource policy.
func (s *Service) GetRepositoryPolicy(ctx context.Context, in *ecrapi.GetRepositoryPolicyInput) (*ecrapi.GetRepositoryPolicyOutput, error) {
	r, err := s.find(ctx, s.store.View(), in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	if r.Policy == "" {
		return nil, noPolicy(r)
	}
	return &ecrapi.GetRepositoryPolicyOutput{RegistryId: new(r.Account), RepositoryName: new(r.Name), PolicyText: new(r.Policy)}, nil
}

// DeleteRepositoryPolicy removes the resource policy.
func (s *Service) DeleteRepositoryPolicy(ctx context.Context, in *ecrapi.DeleteRepositoryPolicyInput) (*ecrapi.DeleteRepositoryPolicyOutput, error) {
	text := ""
	r, err := s.change(ctx, in.RegistryId, in.RepositoryName, func(r *registry.Repository) error {
		if r.Policy == "" {
			return noPolicy(r)
		}
		text, r.Policy = r.Policy, ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecrapi.DeleteRepositoryPolicyOutput{RegistryId: new(r.Account), RepositoryName: new(r.Name), PolicyText: &text}, nil
}

// DescribeRegistry answers a registry that replicates nowhere.
func (s *Service) DescribeRegistry(ctx context.Context, _ *ecrapi.DescribeRegistryInput) (*ecrapi.DescribeRegistryOutput, error) {
	return &ecrapi.DescribeRegistryOutput{
		RegistryId:               new(aws.From(ctx).Account),
		ReplicationConfiguration: &ecrapi.ReplicationConfiguration{Rules: []ecrapi.ReplicationRule{}},
	}, nil
}

// GetAuthorizationToken issues what `docker login` needs.
func (s *Service) GetAuthorizationToken(ctx context.Context, in *ecrapi.GetAuthorizationTokenInput) (*ecrapi.GetAuthorizationTokenOutput, error) {
	accounts := in.RegistryIds
	if len(accounts) == 0 {
		accounts = []string{aws.From(ctx).Account}
	}
	out := &ecrapi.GetAuthorizationTokenOutput{}
	for range accounts {
		password, ends, err := s.registry.Password(ctx, aws.From(ctx).Account)
		if err != nil {
			return nil, err
		}
		out.AuthorizationData = append(out.AuthorizationData, ecrapi.AuthorizationData{
			AuthorizationToken: new(base64.StdEncoding.EncodeToString([]byte(registry.User + ":" + password))),
			ExpiresAt:          &ends, ProxyEndpoint: new("http://" + s.place.Endpoint),
		})
	}
	return out, nil
}
