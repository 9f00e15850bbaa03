package ecr

import (
	"context"
	"errors"
	"slices"
	"sort"

	ecrapi "github.com/neargate/neargate/internal/api/ecr"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/registry"
	"github.com/neargate/neargate/internal/state"
)

// byTagStatus says whether an image with these tags is asked for.
func byTagStatus(status *string, tags []string) bool {
	switch aws.Val(status) {
	case "TAGGED":
		return len(tags) > 0
	case "UNTAGGED":
		return len(tags) == 0
	}
	return true
}

// ListImages lists one id for each tag, and one for each image without.
func (s *Service) ListImages(ctx context.Context, in *ecrapi.ListImagesInput) (*ecrapi.ListImagesOutput, error) {
	tx := s.store.View()
	repo, err := s.find(ctx, tx, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	var status *string
	if in.Filter != nil {
		status = in.Filter.TagStatus
		if in.Filter.ImageStatus != nil && *in.Filter.ImageStatus == "ARCHIVED" {
			return nil, awserr.NotImplemented("ecr ListImages filter imageStatus ARCHIVED")
		}
	}
	var ids []ecrapi.ImageIdentifier
	for _, img := range s.registry.Images(tx, repo.Key()) {
		tags := s.registry.TagsOf(tx, img)
		if !byTagStatus(status, tags) {
			continue
		}
		for _, t := range tags {
			ids = append(ids, ecrapi.ImageIdentifier{ImageDigest: new(img.Digest), ImageTag: new(t)})
		}
		if len(tags) == 0 {
			ids = append(ids, ecrapi.ImageIdentifier{ImageDigest: new(img.Digest)})
		}
	}
	out := &ecrapi.ListImagesOutput{}
	out.ImageIds, out.NextToken, err = page.Of(ids, func(i ecrapi.ImageIdentifier) string { return *i.ImageDigest + ":" + aws.Val(i.ImageTag) },
		in.NextToken, int(aws.Val(in.MaxResults)), pageDefault, pageMax)
	if out.ImageIds == nil {
		out.ImageIds = []ecrapi.ImageIdentifier{}
	}
	return out, err
}

// resolve finds the image an id means. Where there is none it says why, in ECR's words.
func (s *Service) resolve(tx *state.Tx, repo *registry.Repository, id ecrapi.ImageIdentifier) (img *registry.Image, code, reason string) {
	switch {
	case id.ImageDigest == nil && id.ImageTag == nil:
		return nil, "MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null"
	case id.ImageDigest != nil && !registry.ValidDigest(*id.ImageDigest):
		return nil, "InvalidImageDigest", "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"
	}
	ref := aws.Val(id.ImageDigest)
	if id.ImageTag != nil {
		ref = *id.ImageTag
	}
	img, err := s.registry.Image(tx, repo.Key(), ref)
	switch {
	case err != nil:
		return nil, "ImageNotFound", "Requested image not found"
	case id.ImageDigest != nil && img.Digest != *id.ImageDigest:
		return nil, "ImageTagDoesNotMatchDigest", "Tag does not match digest"
	}
	return img, "", ""
}

// DescribeImages lists images with their sizes and dates.
func (s *Service) DescribeImages(ctx context.Context, in *ecrapi.DescribeImagesInput) (*ecrapi.DescribeImagesOutput, error) {
	tx := s.store.View()
	repo, err := s.find(ctx, tx, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	var images []*registry.Image
	for _, id := range in.ImageIds {
		img, _, _ := s.resolve(tx, repo, id)
		if img == nil {
			return nil, ecrapi.ErrImageNotFoundException.New("The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the repository with name '%s' in the registry with id '%s'",
				or(id.ImageDigest), or(id.ImageTag), repo.Name, repo.Account)
		}
		images = append(images, img)
	}
	if len(in.ImageIds) == 0 {
		images = s.registry.Images(tx, repo.Key())
	}
	var status *string
	if in.Filter != nil {
		status = in.Filter.TagStatus
		if in.Filter.ImageStatus != nil && *in.Filter.ImageStatus == "ARCHIVED" {
			return nil, awserr.NotImplemented("ecr DescribeImages filter imageStatus ARCHIVED")
		}
	}
	images = slices.DeleteFunc(images, func(i *registry.Image) bool { return !byTagStatus(status, s.registry.TagsOf(tx, i)) })
	sort.Slice(images, func(i, j int) bool { return images[i].Digest < images[j].Digest })
	shown, next, err := page.Of(images, func(i *registry.Image) string { return i.Digest }, in.NextToken, int(aws.Val(in.MaxResults)), pageDefault, pageMax)
	out := &ecrapi.DescribeImagesOutput{ImageDetails: []ecrapi.ImageDetail{}, NextToken: next}
	for _, img := range shown {
		d := ecrapi.ImageDetail{
			RegistryId: new(repo.Account), RepositoryName: new(repo.Name), ImageDigest: new(img.Digest), ImageTags: s.registry.TagsOf(tx, img),
			ImageSizeInBytes: new(img.Size), ImagePushedAt: new(img.Pushed), ImageManifestMediaType: new(img.MediaType), ImageStatus: new("ACTIVE"),
		}
		if img.Artifact != "" {
			d.ArtifactMediaType = new(img.Artifact)
		}
		if img.Subject != "" {
			d.SubjectManifestDigest = new(img.Subject)
		}
		out.ImageDetails = append(out.ImageDetails, d)
	}
	return out, err
}

func or(p *string) string {
	if p == nil {
		return "null"
	}
	return *p
}

// BatchGetImage returns manifests.
func (s *Service) BatchGetImage(ctx context.Context, in *ecrapi.BatchGetImageInput) (*ecrapi.BatchGetImageOutput, error) {
	tx := s.store.View()
	repo, err := s.find(ctx, tx, in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	out := &ecrapi.BatchGetImageOutput{Images: []ecrapi.Image{}, Failures: []ecrapi.ImageFailure{}}
	for _, id := range in.ImageIds {
		img, code, reason := s.resolve(tx, repo, id)
		if img == nil {
			out.Failures = append(out.Failures, ecrapi.ImageFailure{ImageId: new(id), FailureCode: &code, FailureReason: &reason})
			continue
		}
		if len(in.AcceptedMediaTypes) > 0 && !slices.Contains(in.AcceptedMediaTypes, img.MediaType) {
			return nil, awserr.NotImplemented("ecr BatchGetImage acceptedMediaTypes without " + img.MediaType)
		}
		out.Images = append(out.Images, ecrapi.Image{
			RegistryId: new(repo.Account), RepositoryName: new(repo.Name), ImageManifest: new(string(img.Manifest)), ImageManifestMediaType: new(img.MediaType),
			ImageId: &ecrapi.ImageIdentifier{ImageDigest: new(img.Digest), ImageTag: id.ImageTag},
		})
	}
	return out, nil
}

// BatchDeleteImage deletes by tag (the image goes with its last one) or by digest (with all its tags).
func (s *Service) BatchDeleteImage(ctx context.Context, in *ecrapi.BatchDeleteImageInput) (*ecrapi.BatchDeleteImageOutput, error) {
	repo, err := s.find(ctx, s.store.View(), in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	out := &ecrapi.BatchDeleteImageOutput{ImageIds: []ecrapi.ImageIdentifier{}, Failures: []ecrapi.ImageFailure{}}
	for _, id := range in.ImageIds {
		img, code, reason := s.resolve(s.store.View(), repo, id)
		if img == nil {
			out.Failures = append(out.Failures, ecrapi.ImageFailure{ImageId: new(id), FailureCode: &code, FailureReason: &reason})
			continue
		}
		if id.ImageTag != nil {
			if _, err := s.registry.DeleteTag(ctx, repo.Key(), *id.ImageTag); err != nil {
				return nil, err
			}
			out.ImageIds = append(out.ImageIds, ecrapi.ImageIdentifier{ImageDigest: new(img.Digest), ImageTag: id.ImageTag})
			continue
		}
		tags, err := s.registry.DeleteImage(ctx, repo.Key(), img.Digest)
		switch {
		case errors.Is(err, registry.ErrInUse):
			out.Failures = append(out.Failures, ecrapi.ImageFailure{ImageId: new(id), FailureCode: new("ImageReferencedByManifestList"), FailureReason: new("Requested image referenced by manifest list")})
			continue
		case err != nil:
			return nil, err
		}
		for _, t := range tags {
			out.ImageIds = append(out.ImageIds, ecrapi.ImageIdentifier{ImageDigest: new(img.Digest), ImageTag: new(t)})
		}
		if len(tags) == 0 {
			out.ImageIds = append(out.ImageIds, ecrapi.ImageIdentifier{ImageDigest: new(img.Digest)})
		}
	}
	return out, nil
}

// PutImage stores a manifest whose layers have been uploaded.
func (s *Service) PutImage(ctx context.Context, in *ecrapi.PutImageInput) (*ecrapi.PutImageOutput, error) {
	repo, err := s.find(ctx, s.store.View(), in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	text := []byte(*in.ImageManifest)
	if in.ImageDigest != nil && *in.ImageDigest != registry.DigestOf(text) {
		return nil, ecrapi.ErrImageDigestDoesNotMatchException.New("The specified image digest does not match the digest that Amazon ECR calculated for the image.")
	}
	img, err := s.registry.PutImage(ctx, repo.Key(), aws.Val(in.ImageTag), text, aws.Val(in.ImageManifestMediaType))
	if err != nil {
		return nil, failure(err, repo)
	}
	return &ecrapi.PutImageOutput{Image: &ecrapi.Image{
		RegistryId: new(repo.Account), RepositoryName: new(repo.Name), ImageManifest: in.ImageManifest, ImageManifestMediaType: new(img.MediaType),
		ImageId: &ecrapi.ImageIdentifier{ImageDigest: new(img.Digest), ImageTag: in.ImageTag},
	}}, nil
}
