package proto

import (
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/internal/aws/awserr"
)

// TestCBORNumbers has the encodings of RFC 8949, appendix A.
func TestCBORNumbers(t *testing.T) {
	for encoded, want := range map[string]float64{
		"00": 0, "17": 23, "1818": 24, "1903e8": 1000, "1a000f4240": 1000000, "1b000000e8d4a51000": 1000000000000, "20": -1, "3903e7": -1000,
		"f90000": 0, "f93c00": 1, "fb3ff199999999999a": 1.1, "f93e00": 1.5, "f97bff": 65504, "fa47c35000": 100000, "fa7f7fffff": 3.4028234663852886e+38,
		"fb7e37e43c8800759c": 1e300, "f90001": 5.960464477539063e-8, "f90400": 0.00006103515625, "f9c400": -4, "f97c00": math.Inf(1), "f9fc00": math.Inf(-1),
	} {
		b, err := hex.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		r := cborReader{b: b}
		h, err := r.head()
		if got, ok := h.float(); err != nil || !ok || got != want {
			t.Errorf("%s is %v %v, want %v", encoded, got, err, want)
		}
	}
}

// TestCBORAgainstLibrary reads what another encoder writes, and lets it read what ours does.
func TestCBORAgainstLibrary(t *testing.T) {
	var s, back sample
	if err := readJSON([]byte(fullJSON), plan[sample](), reflect.ValueOf(&s).Elem()); err != nil {
		t.Fatal(err)
	}
	s.Free = nil
	ours := CBOR{}.Encode(nil, operation(""), "", &s).Body
	var generic map[string]any
	if err := cbor.Unmarshal(ours, &generic); err != nil {
		t.Fatal(err)
	}
	if generic["Name"] != *s.Name || generic["size"] != uint64(9007199254740993) {
		t.Errorf("library read %v", generic)
	}
	mode, err := cbor.EncOptions{Time: cbor.TimeUnixDynamic, TimeTag: cbor.EncTagRequired, Sort: cbor.SortCanonical}.EncMode()
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := mode.Marshal(generic)
	if err != nil {
		t.Fatal(err)
	}
	if err := (CBOR{}).Decode(&Request{Info: operation(""), Body: theirs}, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, back); diff != "" {
		t.Error(diff)
	}
}

func TestCBORIndefinite(t *testing.T) {
	const body = "\xbf\x64Name\x7f\x61a\x61b\xff\x65names\x9f\x61x\xf6\x61y\xff\x67unknown\xbf\x61k\x9f\xc1\x00\xff\xff\xff"
	var s sample
	if err := (CBOR{}).Decode(&Request{Info: operation(""), Body: []byte(body)}, &s); err != nil {
		t.Fatal(err)
	}
	if *s.Name != "ab" || !reflect.DeepEqual(s.Names, []string{"x", "y"}) {
		t.Errorf("read %+v", s)
	}
}

func TestCBORRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"not a map":           "\x80",
		"cut":                 "\xa1\x64Na",
		"cut after key":       "\xa1\x64Name",
		"more after value":    "\xa0\xa0",
		"length beyond body":  "\xa1\x64Name\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
		"list beyond body":    "\xa1\x65names\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
		"endless":             "\xbf",
		"invalid UTF-8":       "\xa1\x64Name\x61\xff",
		"reserved info":       "\xa1\x64Name\x1c",
		"key is not text":     "\xa1\x01\x01",
		"number for text":     "\xa1\x64Name\x01",
		"text for number":     "\xa1\x65count\x611",
		"integer too large":   "\xa1\x65count\x1a\x80\x00\x00\x00",
		"bytes for text":      "\xa1\x64Name\x41a",
		"time without tag":    "\xa1\x62at\x00",
		"time out of range":   "\xa1\x62at\xc1\xfb\x7f\xef\xff\xff\xff\xff\xff\xff",
		"fraction for int":    "\xa1\x65count\xf9\x3e\x00",
		"deep":                "\xa1\x61x" + strings.Repeat("\x81", 1000) + "\x00",
		"deep tags":           "\xa1\x61x" + strings.Repeat("\xc1", 1000) + "\x00",
		"chunk of other type": "\xa1\x64Name\x7f\x41a\xff",
	} {
		var s sample
		err := CBOR{}.Decode(&Request{Info: operation(""), Body: []byte(body)}, &s)
		if e, ok := errors.AsType[*awserr.Error](err); !ok || e.Code != "SerializationException" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCBORError(t *testing.T) {
	r := CBOR{}.Fail(nil, testService, "", awserr.New("Gone", 404, "away").With("n", int64(3)))
	var got map[string]any
	if err := cbor.Unmarshal(r.Body, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"__type": "Gone", "message": "away", "n": uint64(3)}, got); diff != "" || r.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" {
		t.Error(diff, r.Header)
	}
}
