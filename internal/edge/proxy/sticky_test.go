package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// browser is a client that keeps cookies, as one connection per request.
type browser struct {
	b       *bench
	cookies map[string]string
	set     []string // Set-Cookie fields of the last answer
}

func (w *browser) get(path string) string {
	w.b.t.Helper()
	var pairs []string
	for n, v := range w.cookies {
		pairs = append(pairs, n+"="+v)
	}
	slices.Sort(pairs)
	head := "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	if len(pairs) > 0 {
		head += "Cookie: " + strings.Join(pairs, "; ") + "\r\n"
	}
	resp, err := http.ReadResponse(bufio.NewReader(w.b.send(head+"\r\n")), nil)
	if err != nil {
		w.b.t.Fatal(err)
	}
	w.set = resp.Header.Values("Set-Cookie")
	for _, c := range resp.Cookies() {
		w.cookies[c.Name] = c.Value
	}
	body, _ := io.ReadAll(resp.Body)
	return string(body)
}

// names are the cookies the last answer set.
func (w *browser) names() string {
	var out []string
	for _, s := range w.set {
		n, _, _ := strings.Cut(s, "=")
		out = append(out, n)
	}
	return strings.Join(out, " ")
}

// always checks that n requests all get the same answer, which it returns.
func (w *browser) always(path string, n int) string {
	w.b.t.Helper()
	first := w.get(path)
	for range n {
		if got := w.get(path); got != first {
			w.b.t.Fatalf("%s after %s", got, first)
		}
	}
	return first
}

func (b *bench) browser() *browser { return &browser{b: b, cookies: map[string]string{}} }

// editGroup changes the first target group.
func (b *bench) editGroup(change func(*edgeapi.TargetGroup)) {
	b.t.Helper()
	b.apply(func(s *edgeapi.Snapshot) {
		s.TargetGroups = slices.Clone(s.TargetGroups)
		change(&s.TargetGroups[0])
	})
}

func TestStickyTarget(t *testing.T) {
	one, two, three := name(t, "one"), name(t, "two"), name(t, "three")
	b := newBench(t, one, two, three)
	b.editGroup(func(g *edgeapi.TargetGroup) {
		g.Stickiness = &edgeapi.Stickiness{Type: edgeapi.StickyLBCookie, Duration: time.Hour}
	})
	targets := map[string]edgeapi.Target{"one": one, "two": two, "three": three}
	w := b.browser()
	began := time.Now()
	first := w.always("/", 6)
	if w.names() != "AWSALB AWSALBCORS" || w.cookies["AWSALB"] != w.cookies["AWSALBCORS"] {
		t.Errorf("%q", w.set)
	}
	for i, end := range []string{"; Path=/", "; Path=/; SameSite=None"} {
		c, err := http.ParseSetCookie(w.set[i])
		earliest, latest := began.Add(cookieLife-2*time.Second), time.Now().Add(cookieLife+2*time.Second)
		if err != nil || !strings.HasSuffix(w.set[i], end) || c.Expires.Before(earliest) || c.Expires.After(latest) {
			t.Errorf("%s: %v", w.set[i], err)
		}
	}

	// Either cookie will do; what was tampered with counts for nothing.
	delete(w.cookies, "AWSALB")
	if got := w.get("/"); got != first {
		t.Errorf("without AWSALB: %s", got)
	}
	for _, forged := range []string{"", "x", strings.Repeat("A", 128), w.cookies["AWSALB"][:127] + "!", strings.Repeat("A", 8000)} {
		other := b.browser()
		other.cookies["AWSALB"] = forged
		if other.get("/"); other.names() != "AWSALB AWSALBCORS" {
			t.Errorf("%.20q: %q", forged, other.set)
		}
	}

	// Unhealthy: another one, and for good.
	b.engine.SetHealth(keyFor(targets[first]), false)
	second := w.always("/", 4)
	b.engine.SetHealth(keyFor(targets[first]), true)
	if got := w.always("/", 4); got != second || got == first {
		t.Errorf("%s, %s, then %s", first, second, got)
	}

	// All unhealthy: all are routed to, so the bond holds.
	for _, x := range targets {
		b.engine.SetHealth(keyFor(x), false)
	}
	if got := w.always("/", 4); got != second {
		t.Errorf("all unhealthy: %s", got)
	}
	for _, x := range targets {
		b.engine.SetHealth(keyFor(x), true)
	}

	// Draining and gone.
	b.editGroup(func(g *edgeapi.TargetGroup) {
		g.Targets = slices.Clone(g.Targets)
		for i := range g.Targets {
			if g.Targets[i].ID == targets[second].ID {
				g.Targets[i] = draining(g.Targets[i], time.Now().Add(time.Hour))
			}
		}
	})
	third := w.always("/", 4)
	if third == second {
		t.Error("bound to a draining target")
	}
	b.editGroup(func(g *edgeapi.TargetGroup) {
		g.Targets = slices.DeleteFunc(slices.Clone(g.Targets), func(x edgeapi.Target) bool { return x.ID == targets[third].ID || x.Draining })
	})
	if got := w.always("/", 4); got == third || got == second {
		t.Errorf("%s is gone", got)
	}
}

// TestStickyDuration shows that a bond ends when its duration has passed since the last answer.
func TestStickyDuration(t *testing.T) {
	targets := fleet(50)
	g := newGroup(&edgeapi.TargetGroup{
		ARN: "g", Algorithm: edgeapi.AlgorithmRoundRobin,
		Stickiness: &edgeapi.Stickiness{Type: edgeapi.StickyLBCookie, Duration: time.Minute},
	}, targets, &groupState{})
	p := g.pool("", true)
	s := newSealer(nil)
	enter := func(now int64, cookie string) (*target, string) {
		t.Helper()
		raw := "GET / HTTP/1.1\r\nHost: x\r\n"
		if cookie != "" {
			raw += "Cookie: a=b; " + cookie + "\r\n"
		}
		var d decision
		to := g.sticky.enter(p, parsed(t, raw+"\r\n"), &d, &cookies{s, now, anySite})
		value, _, _ := strings.Cut(d.bonds[1].values[0], ";")
		return to, value
	}
	first, cookie := enter(1000, "")
	if to, _ := enter(1060, cookie); to != first {
		t.Error("let go within the duration")
	}
	to, cookie := enter(1030, cookie)
	if to != first {
		t.Error("let go within the duration")
	}
	if to, _ := enter(1090, cookie); to != first {
		t.Error("the duration does not begin anew with each answer")
	}
	if to, _ := enter(1091, cookie); to == first {
		t.Error("still bound afterwards")
	}
}

// TestStickyGroups binds a client to targets of two groups at the same time.
func TestStickyGroups(t *testing.T) {
	b := newBench(t, name(t, "a1"), name(t, "a2"), name(t, "a3"), name(t, "a4"))
	b.apply(func(s *edgeapi.Snapshot) {
		s.TargetGroups = append(slices.Clone(s.TargetGroups), testGroup("other", name(t, "b1"), name(t, "b2"), name(t, "b3")))
		for i := range s.TargetGroups {
			s.TargetGroups[i].Stickiness = &edgeapi.Stickiness{Type: edgeapi.StickyLBCookie, Duration: time.Hour}
		}
		s.LoadBalancers = withRules(s, edgeapi.Rule{
			ARN: "b", Priority: 1, Action: forwardTo("other"),
			Conditions: []edgeapi.Condition{{Field: edgeapi.FieldPath, Values: []string{"/b"}}},
		})
	})
	w := b.browser()
	one, two := w.get("/a"), w.get("/b")
	for range 6 {
		if a, b := w.get("/a"), w.get("/b"); a != one || b != two {
			t.Fatalf("%s %s, then %s %s", one, two, a, b)
		}
	}
}

// TestStickyForward binds a client to one of the groups of a forward action.
func TestStickyForward(t *testing.T) {
	b := newBench(t, name(t, "blue"))
	weigh := func(blue, green int) {
		b.apply(func(s *edgeapi.Snapshot) {
			s.LoadBalancers = slices.Clone(s.LoadBalancers)
			l := s.LoadBalancers[0].Listeners[0]
			l.Rules = []edgeapi.Rule{{ARN: "default", Action: edgeapi.Action{Forward: &edgeapi.Forward{
				Stickiness: time.Hour,
				Groups:     []edgeapi.WeightedGroup{{TargetGroup: groupARN, Weight: blue}, {TargetGroup: "green", Weight: green}},
			}}}}
			s.LoadBalancers[0].Listeners = []edgeapi.Listener{l}
		})
	}
	b.apply(func(s *edgeapi.Snapshot) {
		s.TargetGroups = append(slices.Clone(s.TargetGroups), testGroup("green", name(t, "green")))
	})
	weigh(1, 0)
	w := b.browser()
	if got := w.get("/"); got != "blue" || w.names() != "AWSALBTG AWSALBTGCORS" {
		t.Errorf("%s %q", got, w.set)
	}
	weigh(0, 1)
	if got := w.always("/", 4); got != "blue" {
		t.Errorf("after the weights changed: %s", got)
	}
	if got := b.browser().get("/"); got != "green" {
		t.Errorf("a new client gets %s", got)
	}
	b.editGroup(func(g *edgeapi.TargetGroup) { g.Targets = nil })
	if got := w.always("/", 4); got != "green" {
		t.Errorf("without blue targets: %s", got)
	}
	b.editGroup(func(g *edgeapi.TargetGroup) { g.Targets = []edgeapi.Target{name(t, "blue")} })
	if got := w.always("/", 4); got != "green" {
		t.Errorf("with blue targets again: %s", got)
	}
}

// TestStickyApplication follows the application's cookie.
func TestStickyApplication(t *testing.T) {
	app := func(word string) edgeapi.Target {
		return httpTarget(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/login" {
				w.Header().Set("Set-Cookie", "SESSION=abc; Path=/")
			}
			io.WriteString(w, word)
		})
	}
	var targets []edgeapi.Target
	for i := range 8 {
		targets = append(targets, app(fmt.Sprint(i)))
	}
	b := newBench(t, targets...)
	b.editGroup(func(g *edgeapi.TargetGroup) {
		g.Stickiness = &edgeapi.Stickiness{Type: edgeapi.StickyAppCookie, Duration: time.Hour, Cookie: "SESSION"}
	})
	w := b.browser()
	if w.get("/"); len(w.set) > 0 {
		t.Errorf("cookies before the application set its own: %q", w.set)
	}
	first := w.get("/login")
	if w.names() != "SESSION AWSALBAPP-0" {
		t.Errorf("%q", w.set)
	}
	if got := w.always("/", 10); got != first {
		t.Errorf("%s after %s", got, first)
	}
	if w.names() != "AWSALBAPP-0" {
		t.Errorf("the duration does not begin anew: %q", w.set)
	}
	delete(w.cookies, "SESSION")
	same := 0
	for range 8 {
		if w.get("/") == first {
			same++
		}
		if len(w.set) > 0 {
			t.Errorf("bound without the application's cookie: %q", w.set)
		}
	}
	if same != 1 {
		t.Errorf("%d of 8 requests without the application's cookie went to one target", same)
	}
}

// TestSiteOfApplicationCookie shows who gets SameSite=None.
func TestSiteOfApplicationCookie(t *testing.T) {
	for agent, want := range map[string]bool{
		"Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/79.0.1 Safari/537.36":  false,
		"Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/80.0 Safari/537.36":    true,
		"Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/130.0.0 Safari/537.36": true,
		"curl/8": false,
	} {
		if got := takesAnySite(parsed(t, "GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: "+agent+"\r\n\r\n")); got != want {
			t.Errorf("%s: %v", agent, got)
		}
	}
}
