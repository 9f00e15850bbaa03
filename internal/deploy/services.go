package deploy

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"time"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/state"
)

// Services writes wishes: it creates, changes and deletes services inside the caller's transaction. Loop does the rest.
type Services struct {
	Tables *Tables
	Facts  Facts
}

// Create adds a service and its first deployment. A deleted service of the same name that is still described makes room.
func (s *Services) Create(tx *state.Tx, service Service, r Revision, now time.Time) (*Service, error) {
	s.Tables.forget(tx, service.ARN)
	service.Status, service.CreatedAt = Active, now
	return s.deploy(tx, service, r, now)
}

// Update stores a changed service; a non-nil revision begins a new deployment of it.
func (s *Services) Update(tx *state.Tx, service Service, r *Revision, now time.Time) (*Service, error) {
	if r != nil {
		return s.deploy(tx, service, *r, now)
	}
	if d, ok := s.Tables.Deployment(tx, service.ARN, service.Primary); ok {
		next := *d
		next.UpdatedAt = now
		s.Tables.Deployments.Put(tx, &next)
	}
	s.Tables.Services.Put(tx, &service)
	return &service, nil
}

// Delete begins to take a service down.
func (s *Services) Delete(tx *state.Tx, service Service, now time.Time) *Service {
	service.Status, service.DeletedAt, service.Desired = Draining, now, 0
	s.Tables.Services.Put(tx, &service)
	return &service
}

// deploy makes a revision the primary deployment.
func (s *Services) deploy(tx *state.Tx, service Service, r Revision, now time.Time) (*Service, error) {
	release := &Release{
		ARN:        releaseARN(&service),
		ServiceARN: service.ARN, ClusterARN: service.ClusterARN,
		Status:                ReleaseInProgress,
		MinimumHealthyPercent: service.MinimumHealthyPercent, MaximumPercent: service.MaximumPercent,
		Breaker: service.Breaker, Threshold: threshold(service.Desired),
		CreatedAt: now, StartedAt: now, UpdatedAt: now,
	}
	for _, old := range s.Tables.DeploymentsOf(tx, service.ARN) {
		release.Sources = append(release.Sources, Source{Deployment: old.ID, Requested: service.Desired})
		if old.Role != Primary {
			continue
		}
		next := *old
		next.Role, next.UpdatedAt = Superseded, now
		s.Tables.Deployments.Put(tx, &next)
	}
	s.stopRelease(tx, service.Release, now)
	d := &Deployment{ServiceARN: service.ARN, ID: newDeploymentID(), Revision: r, Role: Primary, Rollout: InProgress, CreatedAt: now, UpdatedAt: now}
	d.Reason = "ECS deployment " + d.ID + " in progress."
	release.Target = d.ID
	service.Primary, service.Release = d.ID, release.ARN
	service.Observed.Said, service.Observed.Steady = nil, false
	s.Tables.Deployments.Put(tx, d)
	s.Tables.Releases.Put(tx, release)
	s.Tables.Services.Put(tx, &service)
	s.Tables.prune(tx, &service)
	return &service, emit(tx, s.Facts, &service, now, Tell{Level: "INFO", Name: "SERVICE_DEPLOYMENT_IN_PROGRESS", Deployment: d.ID, Reason: d.Reason})
}

// stopRelease ends a release that a newer one replaces.
func (s *Services) stopRelease(tx *state.Tx, arn string, now time.Time) {
	r, ok := s.Tables.Releases.Get(tx, arn)
	if !ok || r.Status.Done() {
		return
	}
	next := *r
	next.Status, next.UpdatedAt, next.StoppedAt, next.FinishedAt = ReleaseStopped, now, now, now
	s.Tables.Releases.Put(tx, &next)
}

// remembered is how many deployments of a service are kept after they were replaced.
const remembered = 100

// prune drops the oldest replaced deployments and their releases.
func (t *Tables) prune(tx *state.Tx, service *Service) {
	releases := t.ReleasesOf(tx, service.ARN)
	for _, r := range releases[min(remembered, len(releases)):] {
		t.Releases.Delete(tx, r.ARN)
		if d, ok := t.Deployment(tx, service.ARN, r.Target); ok && !d.live() && d.ID != service.Completed {
			t.Deployments.Delete(tx, deploymentKey(service.ARN, d.ID))
		}
	}
}

// forget drops a service and everything that was its own.
func (t *Tables) forget(tx *state.Tx, service string) {
	t.Services.Delete(tx, service)
	for d := range t.Deployments.All(tx, service+"|") {
		t.Deployments.Delete(tx, deploymentKey(service, d.ID))
	}
	for p := range t.Placements.All(tx, service+"|") {
		t.Placements.Delete(tx, placementKey(service, p.TaskARN))
	}
	for e := range t.Events.All(tx, service+"|") {
		t.Events.Delete(tx, eventKey(service, e.Number))
	}
	for _, r := range t.ReleasesOf(tx, service) {
		t.Releases.Delete(tx, r.ARN)
	}
}

// newDeploymentID is "ecs-svc/" and 19 digits, as AWS's are.
func newDeploymentID() string {
	n, err := rand.Int(rand.Reader, big.NewInt(9e18))
	if err != nil {
		panic(fmt.Sprintf("deploy: no randomness: %v", err))
	}
	return fmt.Sprintf("ecs-svc/%019d", n)
}

// RevisionARN is the ARN of the revision that a deployment brings.
func RevisionARN(s *Service, deploymentID string) string {
	return arn.New("ecs", s.Region, s.Account, "service-revision/"+s.ClusterName+"/"+s.Name+"/"+deploymentID[len("ecs-svc/"):])
}

const releaseAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

// releaseARN is the ARN of a new release, with an id of 21 characters, as AWS's are.
func releaseARN(s *Service) string {
	id := make([]byte, 21)
	if _, err := rand.Read(id); err != nil {
		panic(fmt.Sprintf("deploy: no randomness: %v", err))
	}
	for i := range id {
		id[i] = releaseAlphabet[int(id[i])%len(releaseAlphabet)]
	}
	return arn.New("ecs", s.Region, s.Account, "service-deployment/"+s.ClusterName+"/"+s.Name+"/"+string(id))
}
