package acm

import (
	"context"

	acmapi "github.com/neargate/neargate/internal/api/acm"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/idem"
	"github.com/neargate/neargate/internal/cert"
	"github.com/neargate/neargate/internal/state"
)

// defaultDaysBeforeExpiry is when events about a certificate's end begin, unless the account says otherwise.
const defaultDaysBeforeExpiry = 45

// GetAccountConfiguration reads the account's configuration.
func (s *Service) GetAccountConfiguration(ctx context.Context, _ *acmapi.GetAccountConfigurationInput) (*acmapi.GetAccountConfigurationOutput, error) {
	call := aws.From(ctx)
	days := int32(defaultDaysBeforeExpiry)
	if c, ok := s.engine.Configurations.Get(s.store.View(), cert.Key(call.Account, call.Region)); ok {
		days = c.DaysBeforeExpiry
	}
	return &acmapi.GetAccountConfigurationOutput{ExpiryEvents: &acmapi.ExpiryEventsConfiguration{DaysBeforeExpiry: &days}}, nil
}

// PutAccountConfiguration changes the account's configuration.
func (s *Service) PutAccountConfiguration(ctx context.Context, in *acmapi.PutAccountConfigurationInput) (*acmapi.PutAccountConfigurationOutput, error) {
	call := aws.From(ctx)
	err := s.store.Update(ctx, func(tx *state.Tx) error {
		_, err := idem.Do(tx, s.tokens, call, in.IdempotencyToken, in, func() (*acmapi.PutAccountConfigurationOutput, error) {
			if in.ExpiryEvents != nil && in.ExpiryEvents.DaysBeforeExpiry != nil {
				s.engine.Configurations.Put(tx, &cert.Configuration{Account: call.Account, Region: call.Region, DaysBeforeExpiry: *in.ExpiryEvents.DaysBeforeExpiry})
			}
			return &acmapi.PutAccountConfigurationOutput{}, nil
		})
		return err
	})
	return &acmapi.PutAccountConfigurationOutput{}, err
}
