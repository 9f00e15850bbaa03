package e2e

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/services/ec2"
	"github.com/neargate/neargate/internal/services/ecr"
	"github.com/neargate/neargate/internal/services/ecs"
	"github.com/neargate/neargate/internal/services/elbv2"
	"github.com/neargate/neargate/internal/services/iam"
	"github.com/neargate/neargate/internal/services/logs"
	"github.com/neargate/neargate/internal/services/sts"
)

// wilds is how many random inputs each operation gets.
const wilds = 20

// TestBadInput gives every operation what it can't take. It is refused with a code of the API's, never with an internal error, a
// hang or a closed connection.
func TestBadInput(t *testing.T) {
	p := start(t)
	seed := seed(t)
	j := &judge{t: t, endpoint: p.endpoint, codes: map[string]int{}}
	var g errgroup.Group
	g.SetLimit(4)
	operations := 0
	for _, front := range []aws.Front{&ec2.Service{}, &ecr.Service{}, &ecs.Service{}, &elbv2.Service{}, &iam.Service{}, &logs.Service{}, &sts.Service{}} {
		for _, b := range front.Operations() {
			operations++
			g.Go(func() error {
				j.operation(b, rand.New(rand.NewPCG(seed, uint64(len(b.Info.Name)))))
				return nil
			})
		}
	}
	_ = g.Wait()
	t.Logf("%d operations, %d requests, codes %v", operations, j.sent, j.codes)
	if err := p.health(); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(p.log)
	if err != nil || bytes.Contains(text, []byte("panic")) {
		t.Errorf("serve's log tells of a panic (%v)", err)
	}
}

// judge sends requests and looks at the answers.
type judge struct {
	t        *testing.T
	endpoint string

	mu    sync.Mutex
	sent  int
	bad   int
	codes map[string]int
}

// verdict is what an answer was.
type verdict struct {
	status int
	code   string
	text   string
}

func (j *judge) operation(b aws.Binding, r *rand.Rand) {
	root := reflect.TypeOf(b.New()).Elem()
	s := b.Info.Service
	none := func(member) bool { return false }
	one := func() int { return 1 }
	build := func(pick func(member, reflect.Type) any, want func(member) bool, many func() int) map[string]any {
		in := &input{service: s, root: root, pick: pick, want: want, many: many}
		return in.structure(root, 0)
	}
	json := s.TargetPrefix != ""

	for _, m := range members(root) {
		if m.required {
			j.refused(b, "nothing at all", body(b, nil), s.InvalidCode, "MissingParameter", "InvalidParameterCombination", "InvalidRequest")
			break
		}
	}
	j.tolerated(b, "what is unknown", body(b, build(unknown(s), none, one)))
	j.tolerated(b, "what is unknown, in every member", body(b, build(unknown(s), func(member) bool { return true }, one)))
	j.tolerated(b, "what is too long", body(b, build(long, none, one)))
	j.tolerated(b, "what is too long, in every member", body(b, build(long, func(m member) bool { return m.kind.Kind() != reflect.Slice }, one)))
	if json {
		for _, m := range members(root) {
			j.refused(b, "another type for "+m.name, anotherType(m), "SerializationException")
		}
		j.refused(b, "half a body", []byte(`{"a": [1, {"b`), "SerializationException")
		j.refused(b, "a body of another kind", []byte("<xml/>"), "SerializationException")
		j.refused(b, "10 MB", []byte(`{"x":"`+strings.Repeat("x", 10<<20)+`"}`), "RequestEntityTooLargeException", "SerializationException", s.InvalidCode) // an operation that takes large bodies reads on
		j.refused(b, "depth", []byte(strings.Repeat(`{"x":`, 20_000)+"1"+strings.Repeat("}", 20_000)), "SerializationException")
	} else {
		for _, m := range members(root) {
			switch kind := m.kind; {
			case kind.Kind() == reflect.Pointer && (kind.Elem().Kind() == reflect.Int32 || kind.Elem().Kind() == reflect.Int64 || kind.Elem().Kind() == reflect.Bool):
				in := &input{service: s}
				filled := build(unknown(s), none, one)
				filled[in.name(m)] = "neither"
				j.refused(b, "another type for "+m.name, body(b, filled))
			}
		}
		j.refused(b, "half a body", append(body(b, nil), "&X=%z"...), "MalformedQueryString")
		j.refused(b, "10 MB", append(body(b, nil), "&X="+strings.Repeat("x", 10<<20)...), "RequestEntityTooLarge", "RequestEntityTooLargeException")
		j.refused(b, "depth", append(body(b, nil), "&"+strings.Repeat("X.", 20_000)+"1=1"...), "RequestEntityTooLargeException")
	}
	for range wilds {
		share := r.IntN(5)
		in := build(wild(r, s), func(member) bool { return r.IntN(5) < share }, func() int { return r.IntN(3) })
		j.tolerated(b, "what comes to mind", body(b, in))
	}
}

// anotherType is an input whose member has a JSON type it can't have.
func anotherType(m member) []byte {
	kind := m.kind
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	var v any = map[string]any{"x": []int{1}}
	if kind.Kind() == reflect.Struct && kind != reflect.TypeFor[time.Time]() || kind.Kind() == reflect.Map {
		v = []int{1}
	}
	text, _ := json.Marshal(map[string]any{m.key: v})
	return text
}

// refused is for input that no one could take: status 4xx, with one of the codes if some are given.
func (j *judge) refused(b aws.Binding, what string, body []byte, codes ...string) {
	v, err := j.send(b, body)
	if err == nil && (v.status < 400 || v.status >= 500) {
		err = errors.New("not refused")
	}
	if err == nil && len(codes) > 0 {
		err = fmt.Errorf("want %v", codes)
		for _, c := range codes {
			if c == v.code {
				err = nil
			}
		}
	}
	j.note(b, what, body, v, err)
}

// tolerated is for input that may make sense by chance: taken, or refused with a code that the API has.
func (j *judge) tolerated(b aws.Binding, what string, body []byte) {
	v, err := j.send(b, body)
	if err == nil && v.status != http.StatusOK && v.code != "NotImplemented" && !belongs(b, v.code) {
		err = errors.New("the API has no such code")
	}
	j.note(b, what, body, v, err)
}

// common are codes that any operation may answer with; EC2's API has no list of its own, but habits.
var (
	common = []string{
		"SerializationException", "MalformedInput", "MalformedQueryString", "ValidationError", "ValidationException", "RequestEntityTooLarge",
		"RequestEntityTooLargeException", "InvalidParameterValue", "InvalidParameterException", "InvalidNextToken", "ClientException", "AccessDenied",
	}
	ec2Codes = regexp.MustCompile(`^((Invalid|Incorrect|Unknown|Missing|Duplicate|Malformed|Unsupported|NotFound|Insufficient)[A-Za-z.]*|` +
		`[A-Za-z]*(NotFound|LimitExceeded|InUse|NotSupported|AlreadyExists|AlreadyAssociated|Conflict)|DependencyViolation|OperationNotPermitted|DryRunOperation|` +
		`CannotDelete|Resource\.AlreadyAssociated|Gateway\.NotAttached|DefaultVpcAlreadyExists|DefaultSubnetAlreadyExistsInAvailabilityZone|ResourceCountExceeded|` +
		`AuthFailure|VPCIdNotSpecified|IdempotentParameterMismatch|PrefixListVersionMismatch|IncompatibleParameters|NetworkInterfaceLimitExceeded)$`)
)

func belongs(b aws.Binding, code string) bool {
	for _, e := range b.Info.Errors {
		if e.Code == code {
			return true
		}
	}
	for _, c := range common {
		if c == code {
			return true
		}
	}
	return b.Info.Service.Name == "ec2" && ec2Codes.MatchString(code) || code == b.Info.Service.InvalidCode || code == b.Info.Service.TokenCode
}

func (j *judge) send(b aws.Binding, body []byte) (v verdict, err error) {
	req, err := http.NewRequest(http.MethodPost, j.endpoint, bytes.NewReader(body))
	if err != nil {
		return v, err
	}
	s := b.Info.Service
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if s.TargetPrefix != "" {
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
		req.Header.Set("X-Amz-Target", s.TargetPrefix+"."+b.Info.Name)
	}
	res, err := (&http.Client{Timeout: patience}).Do(req)
	if err != nil {
		return v, err
	}
	defer res.Body.Close()
	v.status = res.StatusCode
	if v.status == http.StatusOK {
		if b.Info.Name == "StartLiveTail" {
			return v, nil // its answer goes on until the client leaves
		}
		_, err := io.Copy(io.Discard, res.Body)
		return v, err
	}
	text, err := io.ReadAll(res.Body)
	v.text = string(text)
	v.code = code(text, s.TargetPrefix != "")
	switch {
	case err != nil:
	case v.code == "":
		err = errors.New("no error code")
	case v.status >= 500 && v.code != "NotImplemented":
		err = errors.New("an internal error")
	case res.Header.Get("X-Amzn-Requestid") == "":
		err = errors.New("no request id")
	}
	return v, err
}

// code is the error code of an answer.
func code(text []byte, isJSON bool) string {
	if isJSON {
		var e struct {
			Type string `json:"__type"`
		}
		_ = json.Unmarshal(text, &e)
		return e.Type[strings.LastIndexByte(e.Type, '#')+1:]
	}
	var e element
	if err := xml.Unmarshal(text, &e); err != nil {
		return ""
	}
	for _, path := range []string{"Errors/Error/Code", "Error/Code"} {
		if c := e.get(path); c != "" {
			return c
		}
	}
	return ""
}

func (j *judge) note(b aws.Binding, what string, body []byte, v verdict, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.sent++
	j.codes[v.code]++
	if err == nil {
		return
	}
	if j.bad++; j.bad <= 100 {
		j.t.Errorf("%s %s, %s: %d %s: %v\n  sent %.200s\n  got  %.200s", b.Info.Service.Name, b.Info.Name, what, v.status, v.code, err, body, v.text)
	}
}
