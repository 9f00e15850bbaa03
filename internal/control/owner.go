package control

import (
	"context"
	"fmt"
	"os"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/policy"
	"github.com/neargate/neargate/internal/state"
)

// ownerFile is where the account owner's first key is written, as the AWS clients read it: AWS_SHARED_CREDENTIALS_FILE.
const ownerFile = "credentials"

// bootstrapOwner makes the default account's owner a key when signatures are enforced and no key was ever issued: somebody
// has to be let in to make the others. The file is written before the key counts, so that it is never lost.
func (c *core) bootstrapOwner(ctx context.Context) error {
	if !c.config.Enforce || c.tables.policy.Keys.Len(c.store.View()) > 0 {
		return nil
	}
	path, account := c.config.path(ownerFile), c.config.Account
	key := &policy.AccessKey{
		ID: policy.NewKeyID("AKIA"), Secret: policy.NewSecret(), Account: account, UserID: account,
		Principal: arn.New("iam", "", account, "root"), Active: true, Created: c.clock.Now().UTC(),
	}
	text := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", key.ID, key.Secret)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("the account owner's key: %w", err)
	}
	err := c.store.Update(ctx, func(tx *state.Tx) error {
		c.tables.policy.Keys.Put(tx, key)
		return nil
	})
	if err == nil {
		c.log.Info("the account owner has a key", "file", path)
	}
	return err
}
