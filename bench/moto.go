package main

import (
	"context"
	"errors"
	"net/http"
	"os/exec"
	"syscall"
	"time"

	"github.com/neargate/neargate/bench/pinned"
)

// moto is a moto_server, which keeps everything in memory and runs nothing.
type moto struct {
	*client
	command *exec.Cmd
}

var errNoMoto = errors.New("moto_server is not installed (pip install 'moto[server]')")

// startMoto starts one and tells how long it took to answer.
func startMoto(ctx context.Context) (*moto, time.Duration, error) {
	path, err := exec.LookPath("moto_server")
	if err != nil {
		return nil, 0, errNoMoto
	}
	address, err := pinned.FreeAddress()
	if err != nil {
		return nil, 0, err
	}
	host, port := address[:len("127.0.0.1")], address[len("127.0.0.1:"):]
	m := &moto{client: newClient("http://" + address), command: exec.Command(path, "-H", host, "-p", port)}
	m.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	began := time.Now()
	if err := m.command.Start(); err != nil {
		return nil, 0, err
	}
	for time.Since(began) < readyLimit && ctx.Err() == nil {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, m.endpoint+"/moto-api/data.json", nil)
		if err != nil {
			return nil, 0, err
		}
		if a, err := m.http.Do(q); err == nil {
			a.Body.Close()
			return m, time.Since(began), nil
		}
		time.Sleep(time.Millisecond)
	}
	m.end()
	return nil, 0, errors.New("no answer from moto_server")
}

func (m *moto) end() {
	m.http.CloseIdleConnections()
	// moto_server may be a shell shim around python: its group is ended.
	_ = syscall.Kill(-m.command.Process.Pid, syscall.SIGKILL)
	_ = m.command.Wait() // it says that it was killed
}
