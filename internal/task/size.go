package task

import (
	"math"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/awserr"
)

// Classes of errors ECS answers with for a bad definition or a bad wish.
var (
	errClient    = &awserr.Class{Code: "ClientException", Status: 400}
	errParameter = &awserr.Class{Code: "InvalidParameterException", Status: 400}
)

// ParseCPU reads a task-level cpu: "256", ".25 vCPU", "1 vcpu". Empty is 0, not given.
func ParseCPU(s string) (units int, err error) {
	return parseSize(s, "cpu", map[string]float64{"vcpus": 1024, "vcpu": 1024})
}

// ParseMemory reads a task-level memory: "512", "0.5 GB", "2gb". Empty is 0, not given. MiB.
func ParseMemory(s string) (mebibytes int, err error) {
	return parseSize(s, "memory", map[string]float64{"gib": 1024, "gb": 1024, "mib": 1, "mb": 1})
}

func parseSize(s, what string, units map[string]float64) (int, error) {
	if s == "" {
		return 0, nil
	}
	number, factor := strings.ToLower(strings.TrimSpace(s)), 1.0
	for unit, f := range units {
		if rest, ok := strings.CutSuffix(number, unit); ok {
			number, factor = strings.TrimSpace(rest), f
			break
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	n *= factor
	if err != nil || math.IsNaN(n) || n < 1 || n > math.MaxInt32 || n != math.Trunc(n) {
		return 0, errClient.New("Invalid '%s' setting for task.", what)
	}
	return int(n), nil
}
