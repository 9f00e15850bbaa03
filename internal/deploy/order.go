package deploy

import (
	"cmp"
	"slices"
)

// sortDeployments puts the primary first, then the newest.
func sortDeployments(ds []*Deployment) {
	slices.SortFunc(ds, func(a, b *Deployment) int {
		if (a.Role == Primary) != (b.Role == Primary) {
			if a.Role == Primary {
				return -1
			}
			return 1
		}
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
}

// sortReleases puts the newest first.
func sortReleases(rs []*Release) {
	slices.SortFunc(rs, func(a, b *Release) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ARN, b.ARN))
	})
}
