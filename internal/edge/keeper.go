package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// keeper has the last accepted snapshot survive the process. It writes in turn to two files, so that a process killed while it writes leaves the
// snapshot before: one write each, where replacing a file takes several dear calls, while requests wait.
//
// It does not wait for the disk. After the machine itself has gone down a snapshot is of no use: the namespaces it names are gone too.
type keeper struct {
	slots [2]*os.File
	sizes [2]int
	count uint64 // of the last write; it goes to slot count%2
}

// A slot begins with a line that tells whether it is whole: which write it was, how many octets follow, and the checksum of both numbers and
// of those octets.
const slotHead = "neargate %d %d %08x\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func slotName(path string, slot int) string { return fmt.Sprintf("%s.%d", path, slot) }

// openKeeper opens the files, and returns the newest snapshot that is whole; nil if there is none. A file that is damaged is an error only if
// the other one has no snapshot either. The keeper is usable if its files could be opened.
func openKeeper(path string) (k *keeper, kept []byte, err error) {
	k = &keeper{}
	var damage error
	for i := range k.slots {
		if k.slots[i], err = os.OpenFile(slotName(path, i), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
			return nil, nil, errors.Join(err, k.close())
		}
		all, err := io.ReadAll(k.slots[i])
		k.sizes[i] = len(all)
		count, content := uint64(0), []byte(nil)
		if err == nil && len(all) > 0 {
			count, content, err = parseSlot(all)
		}
		switch {
		case err != nil:
			damage = fmt.Errorf("%s: %w", slotName(path, i), err)
		case content != nil && (kept == nil || count > k.count):
			kept, k.count = bytes.Clone(content), count
		}
	}
	if kept == nil {
		return k, nil, damage
	}
	return k, kept, nil
}

var errDamaged = errors.New("the snapshot is damaged")

func parseSlot(all []byte) (count uint64, content []byte, err error) {
	head, content, _ := bytes.Cut(all, []byte("\n"))
	var size int
	var sum uint32
	if _, err := fmt.Sscanf(string(head)+"\n", slotHead, &count, &size, &sum); err != nil || size < 0 || size > len(content) {
		return 0, nil, errDamaged
	}
	if content = content[:size]; checksum(count, content) != sum {
		return 0, nil, errDamaged
	}
	return count, content, nil
}

func checksum(count uint64, content []byte) uint32 {
	numbers := fmt.Appendf(nil, "%d %d ", count, len(content))
	return crc32.Update(crc32.Checksum(numbers, castagnoli), castagnoli, content)
}

// keep writes a snapshot. After an error the one before is kept.
func (k *keeper) keep(content []byte) error {
	count := k.count + 1
	slot := count % 2
	b := fmt.Appendf(make([]byte, 0, len(content)+64), slotHead, count, len(content), checksum(count, content))
	b = append(b, content...)
	if len(b) < k.sizes[slot] { // keys are not to stay longer than what they belong to
		if err := k.slots[slot].Truncate(int64(len(b))); err != nil {
			return err
		}
	}
	if _, err := k.slots[slot].WriteAt(b, 0); err != nil {
		return err
	}
	k.count, k.sizes[slot] = count, len(b)
	return nil
}

// Prepare has an edge that is started with the path of Config.Snapshot begin with s, as if it had accepted it before a restart.
func Prepare(path string, s *edgeapi.Snapshot) error {
	content, err := json.Marshal(s)
	if err != nil {
		return err
	}
	k, _, err := openKeeper(path)
	if k == nil {
		return err
	}
	return errors.Join(k.keep(content), k.close())
}

func (k *keeper) close() error {
	var all error
	for _, f := range k.slots {
		if f != nil {
			all = errors.Join(all, f.Close())
		}
	}
	return all
}
