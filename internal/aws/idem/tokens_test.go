package idem_test

import (
	"errors"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/idem"
	"github.com/neargate/neargate/internal/state"
)

type input struct {
	Name  *string
	Count int
}

type output struct{ ARN *string }

var errMismatch = errors.New("token came back with other parameters")

// bench is a service with one operation that counts how often it really ran.
type bench struct {
	store  *state.Store
	tokens *idem.Tokens
	call   aws.Call
	runs   int
}

func newBench(t *testing.T, j state.Journal) *bench {
	t.Helper()
	schema := state.NewSchema()
	tables := idem.NewTables(schema)
	s, err := state.Open(t.Context(), schema, j)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{
		store:  s,
		tokens: tables.Tokens(24*time.Hour, errMismatch),
		call:   aws.Call{Account: "1", Region: "us-east-1", Service: "ecs", Operation: "CreateService", Now: time.Unix(1_000_000, 0)},
	}
}

func (b *bench) do(t *testing.T, token *string, in input) (out *output, err error) {
	t.Helper()
	err = b.store.Update(t.Context(), func(tx *state.Tx) (err error) {
		out, err = idem.Do(tx, b.tokens, &b.call, token, in, func() (*output, error) {
			b.runs++
			if in.Count < 0 {
				return nil, errors.New("invalid count")
			}
			return &output{ARN: new("arn:" + *in.Name)}, nil
		})
		return err
	})
	return out, err
}

func TestDo(t *testing.T) {
	web := input{Name: new("web"), Count: 1}
	for _, c := range []struct {
		name     string
		between  func(b *bench)
		token    *string
		repeat   input
		wantRuns int
		wantErr  error
	}{
		{"same request", func(*bench) {}, new("t"), web, 1, nil},
		{"equal request", func(*bench) {}, new("t"), input{Name: new("web"), Count: 1}, 1, nil},
		{"other parameters", func(*bench) {}, new("t"), input{Name: new("web"), Count: 2}, 1, errMismatch},
		{"no token", func(*bench) {}, nil, web, 2, nil},
		{"empty token", func(*bench) {}, new(""), web, 2, nil},
		{"other account", func(b *bench) { b.call.Account = "2" }, new("t"), web, 2, nil},
		{"other region", func(b *bench) { b.call.Region = "eu-west-1" }, new("t"), web, 2, nil},
		{"other operation", func(b *bench) { b.call.Operation = "RunTask" }, new("t"), web, 2, nil},
		{"just in time", func(b *bench) { b.call.Now = b.call.Now.Add(24*time.Hour - 1) }, new("t"), web, 1, nil},
		{"expired", func(b *bench) { b.call.Now = b.call.Now.Add(24 * time.Hour) }, new("t"), web, 2, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, state.Memory())
			if _, err := b.do(t, c.token, web); err != nil {
				t.Fatal(err)
			}
			c.between(b)
			out, err := b.do(t, c.token, c.repeat)
			if !errors.Is(err, c.wantErr) || b.runs != c.wantRuns {
				t.Errorf("error %v, %d runs; want %v, %d", err, b.runs, c.wantErr, c.wantRuns)
			}
			if err == nil && *out.ARN != "arn:web" {
				t.Errorf("answered %s", *out.ARN)
			}
		})
	}
}

func TestTokenOfAFailedRequestIsFree(t *testing.T) {
	b := newBench(t, state.Memory())
	if _, err := b.do(t, new("t"), input{Name: new("web"), Count: -1}); err == nil {
		t.Fatal("no error")
	}
	if _, err := b.do(t, new("t"), input{Name: new("web"), Count: 1}); err != nil {
		t.Errorf("after a failure: %v", err)
	}
}

func TestTokensOutliveTheProcess(t *testing.T) {
	j := state.Memory()
	b := newBench(t, j)
	web := input{Name: new("web")}
	if _, err := b.do(t, new("t"), web); err != nil {
		t.Fatal(err)
	}
	b.store.Close()
	b = newBench(t, j)
	out, err := b.do(t, new("t"), web)
	if err != nil || b.runs != 0 || *out.ARN != "arn:web" {
		t.Errorf("after restart: %v, %d runs", err, b.runs)
	}
}
