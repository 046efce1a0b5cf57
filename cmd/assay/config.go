package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"assay/audit"
	"assay/audit/ledger"
	"assay/events"
	"assay/events/codec"
	"assay/observer"
)

// config is the file config.yaml in the configuration folder. docs/config.md
// describes it; a key that is not here is an error.
type config struct {
	Store   string `yaml:"store"`   // sqlite:PATH or postgres://…; ASSAY_STORE goes before it
	Blobs   string `yaml:"blobs"`   // folder or address of an object store
	Encrypt bool   `yaml:"encrypt"` // payloads and events, with the key in ASSAY_EVENT_KEY

	Log struct {
		Key       string          `yaml:"key"`    // file; ASSAY_LOG_KEY, the key itself, goes before it
		Origin    string          `yaml:"origin"` // of a log that is begun; else of chance
		Witnesses []witnessConfig `yaml:"witnesses"`
	} `yaml:"log"`

	Observer struct {
		Slug   string `yaml:"slug"`
		Origin string `yaml:"origin"`
		Clock  string `yaml:"clock"`
	} `yaml:"observer"`

	Destinations []destinationConfig `yaml:"destinations"`
}

type witnessConfig struct {
	URL string `yaml:"url"`
	Key string `yaml:"key"` // public key, C2SP cosignature form
}

// destinationConfig is one place that events go to.
type destinationConfig struct {
	Name   string   `yaml:"name"`
	Type   string   `yaml:"type"`   // webhook, cloudevents, file, openlineage, observer
	URL    string   `yaml:"url"`    // for all but file
	Path   string   `yaml:"path"`   // for file
	Secret string   `yaml:"secret"` // @env:NAME or @file:PATH: signs webhooks, is the observer's key
	Types  []string `yaml:"types"`  // of events; none is all

	PhaseLock bool `yaml:"phase_lock"` // observer: encrypt rows by docs/observer-profile-1.md
	Epoch     int  `yaml:"epoch"`      // observer: of the key, from 0
}

// maxConfig is more than any configuration takes.
const maxConfig = 1 << 20

func configPath() string {
	if p := os.Getenv("ASSAY_CONFIG"); p != "" {
		return p
	}
	return filepath.Join(configDir(), "config.yaml")
}

// readConfig reads the configuration; without a file it is empty.
func readConfig() (*config, error) {
	c := &config{}
	name := configPath()
	data, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && os.Getenv("ASSAY_CONFIG") == "":
		return c, nil
	case err != nil:
		return nil, &exitError{code: exitSurroundings, err: fmt.Errorf("read the configuration: %w", err), hint: fileHint(err, "")}
	case len(data) > maxConfig:
		return nil, usage("", "the configuration %s has %d bytes, more than any needs", name, len(data))
	}
	if err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return nil, usage("docs/config.md lists what may stand there", "the configuration %s: %s", name, strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	if err := c.checkBlobs(); err != nil {
		return nil, err
	}
	if c.Observer.Slug != "" {
		if err := observer.CheckSlug(c.Observer.Slug); err != nil {
			return nil, usage("", "the configuration %s: observer: %v", name, err)
		}
	}
	if _, err := observer.ParseClock(c.Observer.Clock); err != nil {
		return nil, usage("", "the configuration %s: observer: %v", name, err)
	}
	return c, nil
}

// parseReference splits the reference to a secret: secrets never stand in the configuration itself.
func parseReference(reference string) (kind, name string, err error) {
	kind, name, ok := strings.Cut(strings.TrimPrefix(reference, "@"), ":")
	if !ok || !strings.HasPrefix(reference, "@") || kind != "env" && kind != "file" {
		return "", "", errors.New("a secret is a reference, @env:NAME or @file:PATH, and never the secret itself")
	}
	return kind, name, nil
}

// secret reads what a reference names.
func secret(reference string) (string, error) {
	kind, name, err := parseReference(reference)
	if err != nil {
		return "", err
	}
	v, found, err := lookupSecret(kind, name)
	if err != nil {
		return "", err
	}
	if !found || v == "" {
		return "", fmt.Errorf("%s names nothing", reference)
	}
	return v, nil
}

// slug is the chain that rows go to.
func (c *config) slug() string { return cmp.Or(c.Observer.Slug, observer.DefaultSlug) }

func (c *config) witnesses() ([]ledger.Witness, error) {
	var ws []ledger.Witness
	for _, w := range c.Log.Witnesses {
		key, err := audit.NewCosignatureVerifier(w.Key)
		if err != nil {
			return nil, usage("a witness tells it, in C2SP tlog-cosignature's form", "the configuration %s: the witness %s: %v", configPath(), w.URL, err)
		}
		ws = append(ws, ledger.Witness{URL: w.URL, Key: key})
	}
	return ws, nil
}

// codec seals what the store keeps: with a key where one is given.
func (c *config) codec() (events.Codec, error) {
	keys := codec.EnvKeys("ASSAY_EVENT_KEY", os.LookupEnv)
	if !keys.Given() && !c.Encrypt {
		return codec.New(nil, nil)
	}
	sealed, err := codec.New(keys, &codec.Options{RequireEncryption: c.Encrypt})
	if err != nil {
		return nil, usage("head -c 32 /dev/urandom | base64 makes a key", "the key in ASSAY_EVENT_KEY: %v", err)
	}
	return sealed, nil
}
