package main

import (
	"fmt"
	"slices"

	"assay/events"
	"assay/events/cloudevents"
	"assay/events/file"
	"assay/events/lineage"
	"assay/events/webhook"
	"assay/observer"
	"assay/store"
)

// destinations are where the configuration sends events.
func (c *config) destinations(s *store.Store, session string) ([]events.Destination, error) {
	var ds []events.Destination
	for i := range c.Destinations {
		d := &c.Destinations[i]
		made, err := d.open(c, s, session)
		if err != nil {
			return nil, usage("docs/config.md describes destinations", "destination %q in %s: %v", d.Name, configPath(), err)
		}
		ds = append(ds, made)
	}
	return ds, nil
}

// wants tells whether the configuration asks for an event there.
func (d *destinationConfig) wants(e events.Event) bool {
	return len(d.Types) == 0 || slices.Contains(d.Types, e.Type)
}

func (d *destinationConfig) open(c *config, s *store.Store, session string) (events.Destination, error) {
	key := ""
	if d.Secret != "" {
		var err error
		if key, err = secret(d.Secret); err != nil {
			return nil, err
		}
	}
	switch d.Type {
	case "webhook":
		return webhook.New(d.Name, d.URL, &webhook.Options{Wants: d.wants, Secret: []byte(key)})
	case "cloudevents":
		return webhook.New(d.Name, d.URL, &webhook.Options{Format: cloudevents.Format{}, Wants: d.wants, Secret: []byte(key)})
	case "openlineage":
		format := lineage.New(&lineage.Options{Version: buildVersion()})
		if d.Path != "" {
			return file.New(d.Name, d.Path, &file.Options{Format: format, Wants: d.wants})
		}
		return webhook.New(d.Name, d.URL, &webhook.Options{Format: format, Wants: d.wants, Bearer: key})
	case "file":
		return file.New(d.Name, d.Path, &file.Options{Wants: d.wants})
	case "observer":
		o := &observer.WireOptions{Name: d.Name, URL: d.URL, Key: key, Slug: c.Observer.Slug, Session: session, Agent: "assay/" + buildVersion()}
		if d.PhaseLock {
			var err error
			if o.Lock, err = c.phaseLock(s, key, d.Epoch); err != nil {
				return nil, err
			}
		}
		return observer.NewWire(s, o)
	default:
		return nil, fmt.Errorf("there is no type %q: webhook, cloudevents, openlineage, file, observer", d.Type)
	}
}
