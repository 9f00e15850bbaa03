package ecs

import (
	"context"
	"maps"
	"slices"
	"strings"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/state"
)

// settings are the account settings, what they may be and what they are to begin with. Of these, containerInsights is acted on, as
// the default of new clusters; the long ARN formats cannot be left any more; the others concern what Fargate does not run on here.
// AWS: "Amazon ECS account settings".
var settings = map[string]struct {
	initial string
	values  []string
}{
	ecsapi.SettingNameServiceLongArnFormat:            {"enabled", []string{"enabled"}},
	ecsapi.SettingNameTaskLongArnFormat:               {"enabled", []string{"enabled"}},
	ecsapi.SettingNameContainerInstanceLongArnFormat:  {"enabled", []string{"enabled"}},
	ecsapi.SettingNameAwsvpcTrunking:                  {"disabled", []string{"enabled", "disabled"}},
	ecsapi.SettingNameContainerInsights:               {"disabled", []string{"enabled", "disabled", "enhanced"}},
	ecsapi.SettingNameFargateFIPSMode:                 {"disabled", []string{"disabled"}},
	ecsapi.SettingNameTagResourceAuthorization:        {"on", []string{"on", "off"}},
	ecsapi.SettingNameFargateTaskRetirementWaitPeriod: {"7", []string{"0", "7", "14"}},
	ecsapi.SettingNameGuardDutyActivate:               {"off", []string{"off"}},
	ecsapi.SettingNameDefaultLogDriverMode:            {"non-blocking", []string{"non-blocking"}},
	ecsapi.SettingNameFargateEventWindows:             {"disabled", []string{"disabled"}},
}

// refusedSettings are values AWS takes and Neargate does not.
var refusedSettings = map[string][]string{
	ecsapi.SettingNameServiceLongArnFormat:           {"disabled"},
	ecsapi.SettingNameTaskLongArnFormat:              {"disabled"},
	ecsapi.SettingNameContainerInstanceLongArnFormat: {"disabled"},
	ecsapi.SettingNameFargateFIPSMode:                {"enabled"},
	ecsapi.SettingNameDefaultLogDriverMode:           {"blocking"},
	ecsapi.SettingNameFargateEventWindows:            {"enabled"},
}

// setting is the value in force for a principal.
func (s *Service) setting(tx *state.Tx, scope Scope, name, principal string) string {
	for _, who := range []string{principal, ""} {
		if row, ok := s.Tables.Settings.Get(tx, scope.settingKey(name, who)); ok {
			return row.Value
		}
	}
	return settings[name].initial
}

func checkSetting(name, value string) error {
	if slices.Contains(refusedSettings[name], value) {
		return awserr.NotImplemented("account setting " + name + "=" + value)
	}
	if !slices.Contains(settings[name].values, value) {
		return ecsapi.ErrInvalidParameterException.New("Invalid value for setting %s. Valid values: [%s]", name, strings.Join(settings[name].values, ","))
	}
	return nil
}

func settingShape(row *Setting) *ecsapi.Setting {
	out := &ecsapi.Setting{Name: new(row.Name), Value: new(row.Value), PrincipalArn: new(row.Principal), Type: new("user")}
	if row.Name == ecsapi.SettingNameGuardDutyActivate {
		out.Type = new("aws_managed")
	}
	return out
}

// PutAccountSetting sets a value for the caller or the principal named; for the root user it is the account's default.
func (s *Service) PutAccountSetting(ctx context.Context, in *ecsapi.PutAccountSettingInput) (*ecsapi.PutAccountSettingOutput, error) {
	principal := settingPrincipal(aws.From(ctx), in.PrincipalArn)
	row, err := s.putSetting(ctx, *in.Name, *in.Value, principal)
	if err != nil {
		return nil, err
	}
	return &ecsapi.PutAccountSettingOutput{Setting: settingShape(row)}, nil
}

// PutAccountSettingDefault sets the value of all who have none of their own.
func (s *Service) PutAccountSettingDefault(ctx context.Context, in *ecsapi.PutAccountSettingDefaultInput) (*ecsapi.PutAccountSettingDefaultOutput, error) {
	row, err := s.putSetting(ctx, *in.Name, *in.Value, "")
	if err != nil {
		return nil, err
	}
	shape := settingShape(row)
	shape.PrincipalArn = new(rootARN(aws.From(ctx).Account))
	return &ecsapi.PutAccountSettingDefaultOutput{Setting: shape}, nil
}

func (s *Service) putSetting(ctx context.Context, name, value, principal string) (*Setting, error) {
	if err := checkSetting(name, value); err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *state.Tx, call *aws.Call) (*Setting, error) {
		row := &Setting{Scope: scopeOf(call), Name: name, Principal: principal, Value: value}
		s.Tables.Settings.Put(tx, row)
		return row, nil
	})
}

// DeleteAccountSetting goes back to the account's default.
func (s *Service) DeleteAccountSetting(ctx context.Context, in *ecsapi.DeleteAccountSettingInput) (*ecsapi.DeleteAccountSettingOutput, error) {
	return update(ctx, s, func(tx *state.Tx, call *aws.Call) (*ecsapi.DeleteAccountSettingOutput, error) {
		scope, principal := scopeOf(call), settingPrincipal(call, in.PrincipalArn)
		s.Tables.Settings.Delete(tx, scope.settingKey(*in.Name, principal))
		row := &Setting{Name: *in.Name, Principal: principal, Value: s.setting(tx, scope, *in.Name, principal)}
		return &ecsapi.DeleteAccountSettingOutput{Setting: settingShape(row)}, nil
	})
}

// ListAccountSettings lists what a principal has set or, on request, what is in force for him.
func (s *Service) ListAccountSettings(ctx context.Context, in *ecsapi.ListAccountSettingsInput) (*ecsapi.ListAccountSettingsOutput, error) {
	tx, call := s.Store.View(), aws.From(ctx)
	scope, principal := scopeOf(call), settingPrincipal(call, in.PrincipalArn)
	rows := []*Setting{}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		row, ok := s.Tables.Settings.Get(tx, scope.settingKey(name, principal))
		if aws.Val(in.EffectiveSettings) {
			row, ok = &Setting{Name: name, Principal: principal, Value: s.setting(tx, scope, name, principal)}, true
		}
		if ok && (in.Name == nil || *in.Name == name) && (in.Value == nil || *in.Value == row.Value) {
			rows = append(rows, row)
		}
	}
	limit := int(aws.Val(in.MaxResults))
	rows, next, err := page.Of(rows, func(r *Setting) string { return r.Name }, in.NextToken, limit, 100, 100)
	if err != nil {
		return nil, err
	}
	out := &ecsapi.ListAccountSettingsOutput{Settings: []ecsapi.Setting{}, NextToken: next}
	for _, row := range rows {
		shape := settingShape(row)
		shape.PrincipalArn = new(principal)
		out.Settings = append(out.Settings, *shape)
	}
	return out, nil
}

func settingPrincipal(call *aws.Call, given *string) string {
	if aws.Val(given) != "" {
		return *given
	}
	return call.Principal
}

func rootARN(account string) string { return "arn:aws:iam::" + account + ":root" }
