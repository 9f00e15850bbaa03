package containers

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
)

func (c *Config) tasksDir() string   { return filepath.Join(c.DataDir, "tasks") }
func (c *Config) volumesDir() string { return filepath.Join(c.DataDir, "volumes") }
func (c *Config) spoolDir() string   { return filepath.Join(c.DataDir, "spool") }
func (c *Config) namespace() string  { return "neargate-" + c.Instance }
func (c *Config) runcRoot() string   { return filepath.Join(c.RunDir, "runc") }
func (c *Config) group() string      { return "/neargate-" + c.Instance }

func (c *Config) taskDir(id string) string          { return filepath.Join(c.tasksDir(), id) }
func (c *Config) bundle(task, id string) string     { return filepath.Join(c.taskDir(task), id) }
func (c *Config) taskGroup(task string) string      { return filepath.Join(c.group(), task) }
func (c *Config) volume(task, name string) string   { return filepath.Join(c.volumesDir(), task, name) }
func (c *Config) containerGroup(t, i string) string { return filepath.Join(c.group(), t, i) }

func (c *Config) spool(id string) string { return filepath.Join(c.spoolDir(), id+".log") }

// socket is where a task's shim listens. Task ids are long and socket paths short.
func (c *Config) socket(task string) string {
	h := sha256.Sum256([]byte(task))
	return filepath.Join(c.RunDir, hex.EncodeToString(h[:8])+".sock")
}

// writeRecord replaces the file at path with v in one step. It is not forced to the disk: what the records tell about does not
// survive a power failure either.
func writeRecord(path string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

func readRecord(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

func copyExecutable(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// sameContent tells whether two files are one, or have the same bytes.
func sameContent(a, b string) (bool, error) {
	x, err := os.Open(a)
	if err != nil {
		return false, err
	}
	defer x.Close()
	y, err := os.Open(b)
	if err != nil {
		return false, err
	}
	defer y.Close()
	ofX, err := x.Stat()
	if err != nil {
		return false, err
	}
	ofY, err := y.Stat()
	if err != nil {
		return false, err
	}
	if os.SameFile(ofX, ofY) || ofX.Size() != ofY.Size() {
		return os.SameFile(ofX, ofY), nil
	}
	left, right := make([]byte, 256<<10), make([]byte, 256<<10)
	for {
		n, err := io.ReadFull(x, left)
		m, _ := io.ReadFull(y, right)
		if !bytes.Equal(left[:n], right[:m]) {
			return false, nil
		}
		if err != nil { // the end, at both
			return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF), nil
		}
	}
}
