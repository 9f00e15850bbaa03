package task

import (
	"context"
	"errors"
	"fmt"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/state"
)

func needsInterface(v *view) bool {
	return v.task.Status == Provisioning && v.task.Attachment.InterfaceID == ""
}

func (l *Loop) makeInterface(context.Context, *view) (change, error) {
	return func(tx *state.Tx, t *Task) error {
		if t.Desired == Stopped {
			return nil
		}
		i, err := l.Network.CreateInterface(tx, InterfaceSpec{
			Account: t.Account, Region: t.Region, SubnetID: t.SubnetID, GroupIDs: t.SecurityGroups, AssignPublicIP: t.AssignPublicIP,
			Description: "arn:aws:ecs:" + t.Region + ":" + t.Account + ":attachment/" + t.Attachment.ID,
			TaskARN:     t.ARN,
		})
		if err != nil {
			return &interfaceError{t.SubnetID, t.AssignPublicIP, err}
		}
		t.Attachment.Status, t.Attachment.InterfaceID = AttachmentAttaching, i.ID
		t.Attachment.MAC, t.Attachment.PrivateIP, t.Attachment.PrivateDNSName = i.MAC, i.PrivateIP, i.PrivateDNSName
		if i.AvailabilityZone != "" {
			t.AvailabilityZone = i.AvailabilityZone
		}
		return nil
	}, nil
}

// interfaceError is a network interface that could not be had.
type interfaceError struct {
	subnet string
	public bool
	err    error
}

func (e *interfaceError) Unwrap() error { return e.err }
func (e *interfaceError) Error() string {
	enabled, code := "disabled", e.err.Error()
	if e.public {
		enabled = "enabled"
	}
	if a := (*awserr.Error)(nil); errors.As(e.err, &a) {
		code = a.Code
	}
	return fmt.Sprintf("Unexpected EC2 error while attempting to Create Network Interface with public IP assignment %s in subnet '%s': %s", enabled, e.subnet, code)
}

func needsAttachment(v *view) bool {
	return v.task.Status == Provisioning && v.task.Attachment.InterfaceID != ""
}

func (l *Loop) attach(ctx context.Context, v *view) (change, error) {
	if _, err := l.Network.Realise(ctx, v.task.Attachment.InterfaceID); err != nil {
		return nil, fmt.Errorf("ResourceInitializationError: failed to attach network interface %s: %w", v.task.Attachment.InterfaceID, err)
	}
	return func(_ *state.Tx, t *Task) error {
		if t.Status != Provisioning {
			return nil
		}
		now := l.life.now()
		t.Attachment.Status = AttachmentAttached
		t.Connectivity, t.ConnectivityAt = "CONNECTED", now
		t.Status, t.PullStartedAt = Pending, now
		return nil
	}, nil
}
