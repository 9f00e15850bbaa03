package task

import (
	"runtime"

	"github.com/neargate/neargate/internal/aws/awserr"
)

// machine is the architecture tasks run on, as ECS names it. No other one is emulated.
var machine = map[string]string{"amd64": "X86_64", "arm64": "ARM64"}[runtime.GOARCH]

// checkBuilt refuses what is not there yet instead of ignoring it.
func (d *Definition) checkBuilt() error {
	missing := func(given bool, what string) error {
		if given {
			return awserr.NotImplemented(what)
		}
		return nil
	}
	errs := []error{
		missing(d.ProxyConfiguration, "proxyConfiguration"),
		missing(d.FaultInjection, "enableFaultInjection"),
		missing(d.OS != "" && d.OS != "LINUX", "runtimePlatform.operatingSystemFamily "+d.OS),
		missing(d.Architecture != "" && d.Architecture != machine, "runtimePlatform.cpuArchitecture "+d.Architecture+" on a machine of another architecture"),
	}
	for _, v := range d.Volumes {
		errs = append(errs,
			missing(v.Kind == VolumeEFS, "volumes[].efsVolumeConfiguration"),
			missing(v.Kind == VolumeFSx, "volumes[].fsxWindowsFileServerVolumeConfiguration"),
			missing(v.Kind == VolumeS3Files, "volumes[].s3filesVolumeConfiguration"),
			missing(v.Kind == VolumeAtLaunch, "volumes[].configuredAtLaunch"))
	}
	for _, c := range d.Containers {
		errs = append(errs,
			missing(len(c.Secrets) > 0, "containerDefinitions[].secrets"),
			missing(len(c.EnvironmentFiles) > 0, "containerDefinitions[].environmentFiles"),
			missing(c.RepositoryCredentials, "containerDefinitions[].repositoryCredentials"),
			missing(c.Firelens, "containerDefinitions[].firelensConfiguration"),
			missing(len(c.CredentialSpecs) > 0, "containerDefinitions[].credentialSpecs"),
			c.Log.checkBuilt())
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
