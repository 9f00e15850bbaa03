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
	next  int
}

// A slot begins with a line that tells whether what follows is whole: generation, octets and checksum of the content. What is behind that is
// left over from a longer one.
const slotHead = "neargate %d %d %08x\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func slotName(path string, slot int) string { return fmt.Sprintf("%s.%d", path, slot) }

// openKeeper opens the files, and returns the newest snapshot that is whole; nil if there is none. A file that is damaged is an error only if
// the other one has no snapshot either. The keeper is usable if its files could be opened.
func openKeeper(path string) (k *keeper, kept []byte, err error) {
	k = &keeper{}
	var newest uint64
	var damage error
	for i := range k.slots {
		if k.slots[i], err = os.OpenFile(slotName(path, i), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
			return nil, nil, errors.Join(err, k.close())
		}
		generation, content, err := readSlot(k.slots[i])
		switch {
		case err != nil:
			damage = fmt.Errorf("%s: %w", slotName(path, i), err)
		case content != nil && (kept == nil || generation > newest):
			kept, newest, k.next = content, generation, 1-i
		}
	}
	if kept == nil {
		return k, nil, damage
	}
	return k, kept, nil
}

var errDamaged = errors.New("the snapshot is damaged")

func readSlot(f *os.File) (generation uint64, content []byte, err error) {
	all, err := io.ReadAll(f)
	if err != nil || len(all) == 0 {
		return 0, nil, err
	}
	head, content, _ := bytes.Cut(all, []byte("\n"))
	var size int
	var sum uint32
	if _, err := fmt.Sscanf(string(head)+"\n", slotHead, &generation, &size, &sum); err != nil || size < 0 || size > len(content) {
		return 0, nil, errDamaged
	}
	if content = content[:size]; crc32.Checksum(content, castagnoli) != sum {
		return 0, nil, errDamaged
	}
	return generation, content, nil
}

// keep writes a snapshot. After an error the one before is kept.
func (k *keeper) keep(s *edgeapi.Snapshot, content []byte) error {
	b := make([]byte, 0, len(content)+64)
	b = fmt.Appendf(b, slotHead, s.Generation, len(content), crc32.Checksum(content, castagnoli))
	if _, err := k.slots[k.next].WriteAt(append(b, content...), 0); err != nil {
		return err
	}
	k.next = 1 - k.next
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
	return errors.Join(k.keep(s, content), k.close())
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
