package accesslog

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/aws/checksum"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/object"
	"github.com/neargate/neargate/internal/state"
)

const (
	lookEvery = 15 * time.Second // for files that edge has closed
	lookLeast = 250 * time.Millisecond
	linger    = 10 * time.Minute // after a log is switched off: edge closes its last file within one interval
)

// Target is where the log of a load balancer goes, or went last.
type Target struct {
	ARN, Kind      string
	Bucket, Prefix string
	Tested         bool      // the test file was written
	Until          time.Time // zero while the log is enabled: the row may go then
}

// Tables are the tables of this package.
type Tables struct {
	Targets *state.Table[Target] // key: kind and ARN
}

// NewTables adds the tables to the schema.
func NewTables(s *state.Schema) *Tables {
	return &Tables{Targets: state.AddTable(s, "accesslog.target", func(t *Target) string { return targetKey(t.Kind, t.ARN) })}
}

func targetKey(kind, arn string) string { return kind + "/" + arn }

// Delivery is the loop that delivers log files.
type Delivery struct {
	Store         *state.Store
	Tables        *Tables
	LoadBalancers *state.Table[balance.LoadBalancer]
	Objects       *object.Engine
	// Address is what a node of a load balancer is known by outside: its public address, if it has one.
	Address func(tx *state.Tx, loadBalancerARN string, node netip.Addr) netip.Addr
	Dir     string // of edge's log files
	Clock   clock.Clock
	Log     *slog.Logger
}

// Run delivers until ctx is done.
func (d *Delivery) Run(ctx context.Context) error {
	watch := d.Store.Watch(d.LoadBalancers)
	defer watch.Close()
	look := time.NewTicker(max(d.Clock.Wait(lookEvery), lookLeast))
	defer look.Stop()
	for {
		if err := d.follow(ctx); err != nil && ctx.Err() == nil {
			d.Log.Warn("targets of load balancer logs; tried again", "error", err)
		}
		d.deliver(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		case <-watch.Ready():
			if _, err := watch.Take(); err != nil {
				return err
			}
		}
	}
}

// follow brings the targets in line with what load balancers' attributes say, and writes test files.
func (d *Delivery) follow(ctx context.Context) error {
	tx, now := d.Store.View(), d.Clock.Now()
	changes := d.plan(tx, now)
	if len(changes) == 0 {
		return nil
	}
	for _, c := range changes {
		if !c.gone && !c.row.Tested {
			if err := d.test(tx, &c.row, now); err != nil {
				return err
			}
			c.row.Tested = true
		}
		if err := d.Store.Update(ctx, func(tx *state.Tx) error {
			if c.gone {
				d.Tables.Targets.Delete(tx, targetKey(c.row.Kind, c.row.ARN))
			} else {
				row := c.row
				d.Tables.Targets.Put(tx, &row)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// change is what is to become of a target's row.
type change struct {
	row  Target
	gone bool
}

// plan compares rows with attributes.
func (d *Delivery) plan(tx *state.Tx, now time.Time) (changes []change) {
	wanted := map[string]bool{}
	for lb := range d.LoadBalancers.All(tx, "") {
		for kind, log := range map[string]balance.LogTarget{edgeapi.LogAccess: lb.Attributes.AccessLogs, edgeapi.LogConnection: lb.Attributes.ConnectionLogs} {
			if !log.Enabled {
				continue
			}
			k := targetKey(kind, lb.ARN)
			wanted[k] = true
			row, ok := d.Tables.Targets.Get(tx, k)
			if !ok || row.Bucket != log.Bucket || row.Prefix != log.Prefix || !row.Until.IsZero() || !row.Tested {
				changes = append(changes, change{row: Target{ARN: lb.ARN, Kind: kind, Bucket: log.Bucket, Prefix: log.Prefix}})
			}
		}
	}
	for row := range d.Tables.Targets.All(tx, "") {
		switch {
		case wanted[targetKey(row.Kind, row.ARN)]:
		case row.Until.IsZero():
			over := *row
			over.Until, over.Tested = now.Add(d.Clock.Wait(linger)), true
			changes = append(changes, change{row: over})
		case now.After(row.Until):
			changes = append(changes, change{row: *row, gone: true})
		}
	}
	return changes
}

// test writes the file by which an account's owner sees that a log is enabled.
func (d *Delivery) test(tx *state.Tx, t *Target, now time.Time) error {
	of, err := edgeapi.NewLogFile(t.Kind, t.ARN, noNode)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("Enable %sLog for ELB: %s at %s\n", map[string]string{edgeapi.LogAccess: "Access", edgeapi.LogConnection: "Connection"}[t.Kind],
		strings.Split(of.LoadBalancer, "/")[1], now.UTC().Format("2006-01-02T15:04:05.000Z"))
	b, name := (*object.Bucket)(nil), directory(of, t.Prefix)+"/"+testFile(t.Kind)
	if b, err = d.Objects.Bucket(tx, t.Bucket); err != nil || !writable(b, of, name) {
		d.Log.Warn("a load balancer's log cannot be written to its bucket any more", "load_balancer", t.ARN, "bucket", t.Bucket, "error", err)
		return nil // the bucket's owner took the permission back
	}
	return d.put(b, name, strings.NewReader(text))
}

// deliver delivers the files that edge has closed.
func (d *Delivery) deliver(ctx context.Context) {
	entries, err := os.ReadDir(d.Dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		d.Log.Warn("log files of load balancers", "error", err)
	}
	for _, e := range entries {
		name, closed := strings.CutSuffix(e.Name(), edgeapi.LogExtension)
		if !closed || ctx.Err() != nil {
			continue
		}
		if err := d.one(ctx, name); err != nil && ctx.Err() == nil {
			d.Log.Warn("a log file is not delivered; tried again", "file", name, "error", err)
		}
	}
}

// one delivers a file and removes it. A file that can't be delivered to anybody is removed as well.
func (d *Delivery) one(ctx context.Context, name string) error {
	path := filepath.Join(d.Dir, name+edgeapi.LogExtension)
	f, err := edgeapi.ParseLogFile(name)
	if err != nil {
		d.Log.Warn("not a log file", "file", path)
		return os.Remove(path)
	}
	tx := d.Store.View()
	t, ok := d.Tables.Targets.Get(tx, targetKey(f.Kind, f.ARN()))
	if !ok {
		d.Log.Log(ctx, d.level(tx, f), "a log file has nowhere to go", "load_balancer", f.ARN(), "file", name)
		return os.Remove(path)
	}
	b, err := d.Objects.Bucket(tx, t.Bucket)
	object := key(f, t.Prefix, d.Address(tx, f.ARN(), f.Node))
	if err != nil || !writable(b, f, object) {
		d.Log.Log(ctx, d.level(tx, f), "a log file cannot be written to its bucket any more", "load_balancer", f.ARN(), "bucket", t.Bucket, "error", err)
		return os.Remove(path)
	}
	// Delivered before a crash, perhaps: not a second time, and not as a second version.
	if v, err := d.Objects.Head(ctx, b, object, ""); err == nil && !v.Marker {
		return os.Remove(path)
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	r, w := io.Pipe()
	var packing sync.WaitGroup
	packing.Go(func() {
		z := gzip.NewWriter(w)
		_, err := io.Copy(z, file)
		w.CloseWithError(errors.Join(err, z.Close()))
	})
	err = errors.Join(d.put(b, object, r), r.Close())
	packing.Wait() // for it reads the file
	if err != nil {
		return err
	}
	return os.Remove(path)
}

// level is how loud it is that a file is lost. A load balancer is often deleted together with its bucket, before edge closes its last files:
// nobody misses those.
func (d *Delivery) level(tx *state.Tx, f edgeapi.LogFile) slog.Level {
	if _, ok := d.LoadBalancers.Get(tx, f.ARN()); ok {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

func (d *Delivery) put(b *object.Bucket, name string, content io.Reader) error {
	draft, err := d.Objects.Receive(content, checksum.CRC64NVME)
	if err != nil {
		return err
	}
	defer draft.Discard()
	_, err = d.Objects.Put(b, name, draft, object.Attributes{
		Owner: b.Account, Checksum: object.Checksum{Algorithm: checksum.CRC64NVME, Sum: draft.Sums[checksum.CRC64NVME], Type: object.FullObject},
	}, object.Condition{})
	return err
}
