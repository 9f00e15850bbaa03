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

// fargateMemory is the range of memory, in MiB, that a cpu size may be combined with.
// AWS: "Amazon ECS task definition parameters for Fargate", Task size.
var fargateMemory = map[int]struct{ min, max, step int }{
	256:   {512, 2048, 512},
	512:   {1024, 4096, 1024},
	1024:  {2048, 8192, 1024},
	2048:  {4096, 16384, 1024},
	4096:  {8192, 30720, 1024},
	8192:  {16384, 61440, 4096},
	16384: {32768, 122880, 8192},
}

// checkFargateSize refuses a combination Fargate does not sell.
func checkFargateSize(cpu, memory int) error {
	switch {
	case cpu == 0:
		return errClient.New("Fargate requires that 'cpu' be defined at the task level.")
	case memory == 0:
		return errClient.New("Fargate requires that 'memory' be defined at the task level.")
	}
	m, ok := fargateMemory[cpu]
	ok = ok && memory >= m.min && memory <= m.max && (memory-m.min)%m.step == 0
	if cpu == 256 && memory == 1536 { // 512, 1024 and 2048 only
		ok = false
	}
	if !ok {
		return errClient.New("No Fargate configuration exists for given values: %d CPU, %d memory. See the Amazon ECS documentation for the valid values.", cpu, memory)
	}
	return nil
}
