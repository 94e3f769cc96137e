package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// saveEvery is the shortest real time between two writes of the same part.
const saveEvery = 200 * time.Millisecond

// settings are what a restart must find again besides the three services' state.
type settings struct {
	Start     time.Time     `json:"start"`
	Offset    time.Duration `json:"offset"` // of the clock
	Delivered int           `json:"delivered"`
	BotToken  string        `json:"bot_token"`
	AppToken  string        `json:"app_token"`
	CRMToken  string        `json:"crm_token"`
}

// part is one file of the data folder.
type part struct {
	file     string
	snapshot func() ([]byte, error)
	changed  func(context.Context) <-chan struct{}
}

// keeper writes parts to a folder as they change.
type keeper struct {
	dir   string
	parts []part
	onErr func(file string, err error)
}

// start saves every part as it is and returns a func that saves what changes from
// then on, at most every saveEvery, until ctx ends, and once more then.
func (k *keeper) start(ctx context.Context) (run func()) {
	changed := make([]<-chan struct{}, len(k.parts))
	for i, p := range k.parts {
		changed[i] = p.changed(ctx) // before saving: nothing may slip between
		k.save(p)
	}
	return func() {
		var wg sync.WaitGroup
		for i, p := range k.parts {
			wg.Go(func() {
				for range changed[i] {
					k.save(p)
					select {
					case <-time.After(saveEvery):
					case <-ctx.Done():
					}
				}
				k.save(p)
			})
		}
		wg.Wait()
	}
}

func (k *keeper) save(p part) {
	b, err := p.snapshot()
	if err == nil {
		err = writeFile(filepath.Join(k.dir, p.file), b)
	}
	if err != nil {
		k.onErr(p.file, err)
	}
}

// writeFile replaces path as a whole: a reader finds the old content or the new.
func writeFile(path string, b []byte) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
	}()
	_, err = tmp.Write(b)
	if err == nil {
		err = tmp.Sync()
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	return err
}

// load gives a part's file to restore; a file that is not there is no error.
func load(dir, file string, restore func([]byte) error) (found bool, err error) {
	b, err := os.ReadFile(filepath.Join(dir, file))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = restore(b)
	}
	if err != nil {
		return false, fmt.Errorf("read %s of the sandbox's data folder: %w", file, err)
	}
	return true, nil
}

func loadSettings(dir string) (s settings, found bool, err error) {
	found, err = load(dir, "world.json", func(b []byte) error { return json.Unmarshal(b, &s) })
	return s, found, err
}
