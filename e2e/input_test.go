package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws"
)

// member is one member of an operation's input, as its tag tells (see package proto).
type member struct {
	name, key, query string // key: in JSON; query: in forms
	item             string // of lists in forms
	flat, required   bool
	enum             string
	min              float64
	kind             reflect.Type
}

func members(t reflect.Type) []member {
	var all []member
	for i := range t.NumField() {
		words := strings.Split(t.Field(i).Tag.Get("api"), " ")
		m := member{name: words[0], key: words[0], item: "member", kind: t.Field(i).Type}
		for _, w := range words[1:] {
			option, value, _ := strings.Cut(w, "=")
			switch option {
			case "required":
				m.required = true
			case "wire":
				m.key = value
			case "query":
				m.query = value
			case "item":
				m.item = value
			case "flat":
				m.flat = true
			case "enum", "item.enum":
				m.enum = value
			case "min":
				m.min, _ = strconv.ParseFloat(value, 64)
			}
		}
		all = append(all, m)
	}
	return all
}

// input makes inputs of one operation.
type input struct {
	service *aws.Service
	root    reflect.Type
	pick    func(m member, kind reflect.Type) any // a scalar
	want    func(m member) bool                   // which optional members are there
	many    func() int                            // how long lists are
}

// maximum is how deep structures that contain themselves are filled.
const maximum = 6

func (in *input) structure(t reflect.Type, depth int) map[string]any {
	out := map[string]any{}
	for _, m := range members(t) {
		if depth < maximum && (m.required || in.want(m)) {
			if v := in.value(m, m.kind, depth); v != nil {
				out[in.name(m)] = v
			}
		}
	}
	return out
}

// list and pairs are values that forms write in their own ways.
type list struct {
	member member
	items  []any
}

type pairs map[string]any

func (in *input) value(m member, t reflect.Type, depth int) any {
	switch {
	case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct && t.Elem() != reflect.TypeFor[time.Time]():
		return in.structure(t.Elem(), depth+1)
	case t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]():
		return in.structure(t, depth+1)
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		l := list{member: m}
		for range in.many() {
			l.items = append(l.items, in.value(m, t.Elem(), depth+1))
		}
		return l
	case t.Kind() == reflect.Map:
		p := pairs{}
		for i := range in.many() {
			p["k"+strconv.Itoa(i)] = in.value(m, t.Elem(), depth+1)
		}
		return p
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return in.pick(m, t)
}

func (in *input) name(m member) string {
	switch {
	case in.service.TargetPrefix != "":
		return m.key
	case in.service.Name != "ec2":
		return m.key
	case m.query != "":
		return m.query
	}
	return strings.ToUpper(m.key[:1]) + m.key[1:]
}

// body writes an input as its service's protocol does.
func body(b aws.Binding, in map[string]any) []byte {
	if b.Info.Service.TargetPrefix != "" {
		text, err := json.Marshal(plain(in))
		if err != nil {
			panic(err)
		}
		return text
	}
	form := url.Values{"Action": {b.Info.Name}, "Version": {b.Info.Service.APIVersion}}
	flatten(form, "", in, b.Info.Service.Name == "ec2")
	return []byte(form.Encode())
}

func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = plain(x)
		}
		return out
	case pairs:
		return plain(map[string]any(v))
	case list:
		out := []any{}
		for _, x := range v.items {
			out = append(out, plain(x))
		}
		return out
	}
	return v
}

func flatten(form url.Values, path string, v any, ec2 bool) {
	under := func(name string) string { return strings.TrimPrefix(path+"."+name, ".") }
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			flatten(form, under(k), x, ec2)
		}
	case pairs:
		n := 0
		for k, x := range v {
			n++
			entry := under("entry." + strconv.Itoa(n))
			form.Set(entry+".key", k)
			flatten(form, entry+".value", x, ec2)
		}
	case list:
		for i, x := range v.items {
			at := strconv.Itoa(i + 1)
			if !ec2 && !v.member.flat {
				at = v.member.item + "." + at
			}
			flatten(form, under(at), x, ec2)
		}
	default:
		form.Set(path, fmt.Sprint(v))
	}
}

// Values of scalars, by what a case is about.

// unknown names what is not there, in the right form.
func unknown(s *aws.Service) func(member, reflect.Type) any {
	prefixes := map[string]string{
		"vpc": "vpc", "subnet": "subnet", "group": "sg", "allocation": "eipalloc", "natgateway": "nat", "networkinterface": "eni",
		"internetgateway": "igw", "routetable": "rtb", "prefixlist": "pl", "attachment": "eni-attach", "gateway": "igw", "association": "rtbassoc",
		"securitygrouprule": "sgr", "instance": "i",
	}
	return func(m member, t reflect.Type) any {
		lower := strings.ToLower(m.name)
		switch {
		case t.Kind() != reflect.String:
			return scalar(t, m)
		case m.enum != "":
			return slices.Concat(s.EnumValues(m.enum), []string{"nothing"})[0]
		case strings.Contains(lower, "cidr"):
			return "10.77.0.0/16"
		case strings.HasSuffix(lower, "arn"), strings.HasSuffix(lower, "arns"):
			return "arn:aws:" + s.SigningName + ":us-east-1:000000000000:nothing/like/this"
		case s.Name == "ec2":
			base := strings.TrimSuffix(strings.TrimSuffix(lower, "s"), "id")
			if p, ok := prefixes[base]; ok {
				return p + "-0123456789abcdef0"
			}
		}
		return "nothing-like-this"
	}
}

func scalar(t reflect.Type, m member) any {
	switch t.Kind() {
	case reflect.Bool:
		return !strings.EqualFold(m.name, "dryRun") // which would answer before anything is looked at
	case reflect.Float64:
		return max(1.5, m.min)
	case reflect.Slice:
		return "AAAA"
	case reflect.Struct:
		return 1_700_000_000
	case reflect.Interface:
		return map[string]any{}
	}
	return max(1, int(m.min))
}

// long is longer than anything AWS takes.
func long(m member, t reflect.Type) any {
	if t.Kind() == reflect.String {
		return strings.Repeat("x", 300_000)
	}
	return scalar(t, m)
}

// wild draws from what programs get wrong.
func wild(r *rand.Rand, s *aws.Service) func(member, reflect.Type) any {
	known := unknown(s)
	texts := []string{
		"", " ", "a", "-", "0", "*", "..", "../../etc/passwd", "arn:", "arn:aws:::", "arn:aws:ecs:us-east-1:000000000000:cluster/main", "10.0.0.0/16",
		"10.0.0.0/33", "::/0", "999.1.1.1", "{}", "[]", "null", "true", "%00", "\u0000", "é", "\U0001F600", "<a>&amp;", "'\"`", "${x}", "eyJ9", "default",
		"main", "web:1", "web:99999999999999999999", "i-1", "vpc-1", "us-east-1a", "eu-nowhere-9z", "tcp", "-1", "65536", strings.Repeat("a/", 200),
		`{"Version":"2012-10-17","Statement":[]}`, "2026-01-01T00:00:00Z", "\n", strings.Repeat("9", 400), "256", "awsvpc", "FARGATE",
	}
	numbers := []any{0, 1, -1, 5, 80, 100, 256, 65535, 65536, 1 << 31, -1 << 31, 1<<31 - 1, int64(1) << 53, int64(-1) << 62}
	return func(m member, t reflect.Type) any {
		switch {
		case r.IntN(3) == 0:
			return known(m, t)
		case t.Kind() == reflect.String && m.enum != "" && r.IntN(4) > 0:
			values := slices.Concat(s.EnumValues(m.enum), []string{"nothing"})
			return values[r.IntN(len(values))]
		case t.Kind() == reflect.String:
			return texts[r.IntN(len(texts))]
		case t.Kind() == reflect.Bool && !strings.EqualFold(m.name, "dryRun"):
			return r.IntN(2) == 0
		case t.Kind() == reflect.Int32 || t.Kind() == reflect.Int64 || t.Kind() == reflect.Struct:
			return numbers[r.IntN(len(numbers))]
		}
		return scalar(t, m)
	}
}
