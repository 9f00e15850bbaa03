package e2e

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"os"
	"slices"
	"strings"
)

// browser is chromium, which finds the load balancer by its name on this machine and keeps its cookies: of a page that asks twelve
// times all answers come from one target, of one group or of two weighed ones, where a client without cookies meets all.
func (f *fleet) browser() {
	t, program := f.t, client(f.t, "chromium")
	text, err := os.ReadFile(f.bundle)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	pin := sha256.Sum256(root.RawSubjectPublicKeyInfo)
	open := func(url string) []string {
		t.Helper()
		dir := t.TempDir()
		dom := f.run(dir, append(os.Environ(), "HOME="+dir), program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
			"--disable-background-networking", "--disable-component-update", "--user-data-dir="+dir,
			"--ignore-certificate-errors-spki-list="+base64.StdEncoding.EncodeToString(pin[:]), "--dump-dom", url)
		var names []string
		for l := range strings.Lines(dom) {
			if _, name, ok := strings.Cut(l, "version "); ok {
				names = append(names, name[:1])
			}
		}
		if len(names) != 13 {
			t.Errorf("%s: %s", url, dom)
		}
		return names
	}
	for _, page := range []string{"http://" + f.web.dns + "/sticky/page", "https://" + f.web.dns + "/weighed/page"} {
		if names := open(page); len(slices.Compact(names)) != 1 {
			t.Errorf("%s: a browser meets %v", page, names)
		}
	}
	over := f.transport("h2")
	defer over.CloseIdleConnections()
	for path, want := range map[string]int{"/sticky/x": 2, "/weighed/x": 3} {
		met := map[string]bool{}
		for range 40 {
			body, err := f.fetch(&http.Client{Transport: over, Timeout: loadPatience}, "https://"+appDomain+path)
			if err != nil {
				t.Fatal(err)
			}
			met[body] = true
		}
		if len(met) != want {
			t.Errorf("without cookies there is nothing to stick by, but at %s a client meets %v", path, met)
		}
	}
}
