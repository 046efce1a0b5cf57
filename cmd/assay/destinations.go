package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/events"
	"assay/events/cloudevents"
	"assay/events/file"
	"assay/events/lineage"
	"assay/events/webhook"
	"assay/internal/nearest"
	"assay/observer"
	"assay/store"
)

// destinationTypes are what a destination of the configuration may be.
var destinationTypes = []string{"webhook", "cloudevents", "openlineage", "file", "observer"}

// eventTypes are the types of docs/bus.md, of which a destination may name some.
var eventTypes = []string{
	events.TypeRunQueued, events.TypeRunStarted, events.TypeRunCompleted, events.TypeRunFailed, events.TypeRunCancelled,
	events.TypeRunAborted, events.TypeRunWarning, events.TypeKernelReady, events.TypeCellStarted, events.TypeCellCompleted,
	events.TypeCellFailed, events.TypeStageCompleted, events.TypeCheckChanged, events.TypeAlertSent, events.TypeNotebook,
	events.TypeScrap, events.TypeErased,
}

// destinations are where the configuration sends events. One that cannot be
// opened stops nobody: it is told once, and gets its events when it is mended.
func (c *config) destinations(s *store.Store, session string) ([]events.Destination, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := c.checkClock(ctx, s); err != nil {
		note("warning: %v; the run's row has the chain's clock", err)
	}
	var ds []events.Destination
	for i := range c.Destinations {
		made, err := c.openDestination(i, s, session)
		if err == nil {
			ds = append(ds, made)
			continue
		}
		note("warning: %v: nothing goes there until that is mended, and nothing is lost (docs/config.md)", err)
		if err := c.keepPlace(ctx, i, s); err != nil {
			return nil, err
		}
	}
	return ds, nil
}

// keepPlace begins the cursor of a destination that is not open, where it has
// none, so that it gets later what happens from now on.
func (c *config) keepPlace(ctx context.Context, i int, s *store.Store) error {
	name := c.Destinations[i].Name
	if name == "" {
		return nil // it gets one under the name that it is given
	}
	last, err := s.Events().Last(ctx)
	if err == nil {
		err = s.Events().Begin(ctx, name, last)
	}
	if err != nil {
		return fmt.Errorf("cursor of %s: %w", name, err)
	}
	return nil
}

// checkClock is an observer.ErrClock where the rows go on with another clock
// than the configuration says.
func (c *config) checkClock(ctx context.Context, chains observer.Chains) error {
	head, err := chains.Head(ctx, c.slug())
	if errors.Is(err, observer.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return observer.CheckClock(head, observer.Clock(c.Observer.Clock))
}

// unopened is a destination that gets nothing until the configuration, or what it names, is mended.
type unopened struct {
	*destinationConfig
	err error
}

// unopened are the destinations that cannot be opened.
func (c *config) unopened(s *store.Store) (all []unopened) {
	for i := range c.Destinations {
		if _, err := c.openDestination(i, s, ""); err != nil {
			all = append(all, unopened{&c.Destinations[i], err})
		}
	}
	return all
}

// openDestination makes the i-th destination. An error of the code exitUsage is
// one of the configuration itself; any other is of what it names.
func (c *config) openDestination(i int, s *store.Store, session string) (events.Destination, error) {
	d := &c.Destinations[i]
	if err := c.checkDestination(i); err != nil {
		return nil, err
	}
	made, err := d.open(c, s, session)
	if err != nil {
		return nil, &exitError{code: exitSurroundings, err: d.trouble(err), hint: "docs/config.md describes destinations"}
	}
	return made, nil
}

func (d *destinationConfig) trouble(err error) error {
	return fmt.Errorf("destination %q in %s: %w", d.Name, configPath(), err)
}

// checkDestination is what is wrong with the i-th destination as it is written,
// whatever else there is.
func (c *config) checkDestination(i int) error {
	d := &c.Destinations[i]
	err := d.check()
	if err == nil && slices.ContainsFunc(c.Destinations[:i], func(other destinationConfig) bool { return other.Name == d.Name }) {
		err = errors.New("another destination has that name already")
	}
	if err != nil {
		return usage("docs/config.md describes destinations", "%w", d.trouble(err))
	}
	return nil
}

func (d *destinationConfig) check() error {
	if d.Name == "" {
		return errors.New("it has no name")
	}
	if !slices.Contains(destinationTypes, d.Type) {
		return fmt.Errorf("there is no type %q: %s", d.Type, strings.Join(destinationTypes, ", "))
	}
	if d.Secret != "" {
		if _, _, err := parseReference(d.Secret); err != nil {
			return err
		}
	}
	for _, t := range d.Types {
		if err := d.checkEventType(t); err != nil {
			return err
		}
	}
	switch {
	case d.Type == "file" && d.Path == "":
		return errors.New("a file needs its path")
	case d.Type == "observer" && d.Secret == "":
		return errors.New("an observer needs its key: secret")
	case d.Type != "file" && d.URL == "" && (d.Type != "openlineage" || d.Path == ""):
		return errors.New("it needs its url")
	}
	return nil
}

// checkEventType refuses a type of which no event would ever go there.
func (d *destinationConfig) checkEventType(t string) error {
	known := slices.DeleteFunc(slices.Clone(eventTypes), func(t string) bool {
		return !d.takes(events.Event{Type: t, Task: "some"})
	})
	switch near := nearest.Name(t, known); {
	case d.Type == "observer":
		return errors.New("an observer gets the rows of its chain, and takes no types")
	case slices.Contains(known, t):
		return nil
	case near != "":
		return fmt.Errorf("no event of the type %q ever goes there; is %q meant?", t, near)
	default:
		return fmt.Errorf("no event of the type %q ever goes there: %s", t, strings.Join(known, ", "))
	}
}

// takes tells whether the destination's form can say such an event.
func (d *destinationConfig) takes(e events.Event) bool {
	switch d.Type {
	case "observer":
		return e.Type == events.TypeStageCompleted
	case "openlineage":
		return lineage.New(nil).Wants(e)
	}
	return true
}

// wants tells whether the configuration asks for an event there.
func (d *destinationConfig) wants(e events.Event) bool {
	return len(d.Types) == 0 || slices.Contains(d.Types, e.Type)
}

// open makes a destination that check has found nothing wrong with.
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
		return d.hook(key, nil)
	case "cloudevents":
		return d.hook(key, cloudevents.Format{})
	case "openlineage":
		format := lineage.New(&lineage.Options{Version: buildVersion()})
		if d.Path != "" {
			return file.New(d.Name, d.Path, &file.Options{Format: format, Wants: d.wants})
		}
		return webhook.New(d.Name, d.URL, &webhook.Options{Format: format, Wants: d.wants, Bearer: key})
	case "file":
		return file.New(d.Name, d.Path, &file.Options{Wants: d.wants})
	default:
		o := &observer.WireOptions{Name: d.Name, URL: d.URL, Key: key, Slug: c.Observer.Slug, Session: session, Agent: "assay/" + buildVersion()}
		if d.PhaseLock {
			var err error
			if o.Lock, err = c.phaseLock(s, key, d.Epoch); err != nil {
				return nil, err
			}
		}
		return observer.NewWire(s, o)
	}
}

// hook is a webhook whose secret may be written as standardwebhooks.com does, whsec_ and base64.
func (d *destinationConfig) hook(key string, format events.Format) (events.Destination, error) {
	signing, err := webhook.ParseSecret(key)
	if err != nil {
		return nil, fmt.Errorf("what %s names is no secret: %w", d.Secret, err)
	}
	return webhook.New(d.Name, d.URL, &webhook.Options{Format: format, Wants: d.wants, Secret: signing})
}
