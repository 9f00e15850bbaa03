package elbv2

import (
	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// transformsOf are the transforms of a rule: User Guide for Application Load Balancers, "Transforms for listener rules".
func transformsOf(in []elbv2api.RuleTransform) ([]balance.Transform, error) {
	list := []balance.Transform{}
	seen := map[string]bool{}
	for i := range in {
		t, err := transformOf(&in[i])
		if err != nil {
			return nil, err
		}
		if seen[t.Type] {
			return nil, invalid("Transforms of type '%s' cannot be specified more than once", t.Type)
		}
		seen[t.Type] = true
		list = append(list, t)
	}
	return list, nil
}

func transformOf(in *elbv2api.RuleTransform) (balance.Transform, error) {
	t := balance.Transform{Type: aws.Val(in.Type)}
	var rewrites []elbv2api.RewriteConfig
	host, url := in.HostHeaderRewriteConfig, in.UrlRewriteConfig
	switch {
	case t.Type == balance.RewriteHost && url != nil, t.Type == balance.RewriteURL && host != nil:
		return t, invalid("The rewrite config is not compatible with a transform of type '%s'", t.Type)
	case host != nil:
		rewrites = host.Rewrites
	case url != nil:
		rewrites = url.Rewrites
	}
	if len(rewrites) != 1 {
		return t, invalid("A transform of type '%s' must have exactly one rewrite", t.Type)
	}
	t.Regex, t.Replace = aws.Val(rewrites[0].Regex), aws.Val(rewrites[0].Replace)
	if t.Regex == "" || len(t.Regex) > edgeapi.MaxRewrite {
		return t, invalid("The transform regex must have between '1' and '%d' characters", edgeapi.MaxRewrite)
	}
	if len(t.Replace) > edgeapi.MaxRewrite {
		return t, invalid("The transform replacement is too long; the limit is '%d'", edgeapi.MaxRewrite)
	}
	return t, checkRegex(t.Regex, t.Type == balance.RewriteHost)
}

// checkRegex refuses what the data plane cannot match with.
func checkRegex(expression string, host bool) error {
	if _, err := edgeapi.CompileRegex(expression, host); err != nil {
		return invalid("The regular expression '%s' is not valid", expression)
	}
	return nil
}

// transforms shows transforms.
func transforms(list []balance.Transform) []elbv2api.RuleTransform {
	out := []elbv2api.RuleTransform{}
	for _, t := range list {
		r := elbv2api.RuleTransform{Type: new(t.Type)}
		rewrites := []elbv2api.RewriteConfig{{Regex: new(t.Regex), Replace: new(t.Replace)}}
		if t.Type == balance.RewriteHost {
			r.HostHeaderRewriteConfig = &elbv2api.HostHeaderRewriteConfig{Rewrites: rewrites}
		} else {
			r.UrlRewriteConfig = &elbv2api.UrlRewriteConfig{Rewrites: rewrites}
		}
		out = append(out, r)
	}
	return out
}
