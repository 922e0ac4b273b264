// Package dev is everything on one machine: a private PostgreSQL, an in-process Redis, a simulated vendor, the whole
// product in one process, and data to try it with. DATABASE_URL and REDIS_URL put real servers in the place of the first two.
package dev

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/massrouter/massrouter/cmd/massrouter/internal/config"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/demo"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/devmail"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/folder"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/keyfile"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/program"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/schema"
	"github.com/massrouter/massrouter/cmd/massrouter/internal/vendor"
	"github.com/massrouter/massrouter/eventstore/translog"
	"github.com/massrouter/massrouter/internal/sim"
)

// Options of a run.
type Options struct {
	Dir      string
	Listen   string        // "": where it listened last time, else the configured address, else a free port
	Config   config.Config // listening addresses are chosen by dev
	Log      zerolog.Logger
	Progress func(format string, args ...any)
	// Ready is called once, when everything answers.
	Ready func(folder.Info)
}

const (
	anyPort       = "127.0.0.1:0"
	defaultPortal = "http://localhost:3001"
	seedTime      = time.Minute
	startTime     = 3 * time.Minute
	stopTime      = time.Minute
)

// session is one run.
type session struct {
	o        Options
	folder   *folder.Folder
	info     folder.Info
	database string         // its address for us; the one in info is for any client
	parts    []func() error // what has to be given back, in the order of their start
	vendor   *vendor.Server
}

// Run starts everything, works until ctx ends, and stops everything.
func Run(ctx context.Context, o Options) (err error) {
	f, err := folder.Open(o.Dir)
	if err != nil {
		return err
	}
	s := &session{o: o, folder: f, info: folder.Info{APIKey: f.State.APIKey, OperatorToken: f.State.OperatorToken, WalletID: f.State.WalletID}}
	s.parts = append(s.parts, f.Close)
	defer func() {
		for i := len(s.parts) - 1; i >= 0; i-- {
			err = errors.Join(err, s.parts[i]())
		}
	}()
	if err := s.makeLogKey(); err != nil {
		return err
	}
	if err := s.makeKeyset(); err != nil {
		return err
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	return s.run(ctx)
}

// makeLogKey gives a new folder the key of its transparency log.
func (s *session) makeLogKey() error {
	if s.folder.State.LogKey == "" {
		private, _, err := translog.GenerateKey("massrouter.dev/" + s.folder.State.ID.String())
		if err != nil {
			return err
		}
		s.folder.State.LogKey = private
		if err := s.folder.Save(); err != nil {
			return err
		}
	}
	_, public, _, err := translog.ParseKey(s.folder.State.LogKey)
	if err != nil {
		return fmt.Errorf("read the key of the folder's transparency log: %w", err)
	}
	s.info.LogDir, s.info.LogPublicKey = s.folder.Path("log"), public
	return nil
}

// keysetName is the file of the keys that encrypt secrets in the folder's database.
const keysetName = "keyset.json"

// makeKeyset gives a folder the keys that encrypt secrets in its database, unless others are configured.
func (s *session) makeKeyset() error {
	if s.o.Config.Secrets.SecretsKeyset.IsSet() {
		return nil
	}
	path := s.folder.Path(keysetName)
	err := keyfile.Init(path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	s.o.Config.Secrets, err = config.KeysetFile(path)
	return err
}

// prepare starts what the product needs.
func (s *session) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if err := s.startPostgres(ctx); err != nil {
		return err
	}
	if _, err := schema.Up(ctx, s.database, 0); err != nil {
		return err
	}
	if err := s.startRedis(ctx); err != nil {
		return err
	}
	return s.listenVendor(ctx)
}

// listenVendor takes the vendor's address: that of the last start, so that the catalogue stays true, else a free one,
// which the catalogue is then told.
func (s *session) listenVendor(ctx context.Context) (err error) {
	options := sim.Options{APIKey: s.folder.State.VendorKey, Logger: s.o.Log}
	last := s.folder.State.VendorAddress
	if last != "" {
		s.vendor, err = vendor.Listen(ctx, last, options)
	}
	if last == "" || err != nil {
		if s.vendor, err = vendor.Listen(ctx, anyPort, options); err != nil {
			return err
		}
	}
	s.parts = append(s.parts, s.vendor.Close)
	s.info.SimURL = s.vendor.URL()
	if address := s.vendor.Address(); address != last {
		s.folder.State.VendorAddress = address
		s.folder.State.Edition++
		return s.folder.Save() // before the catalogue is told: the edition is a part of the command's id
	}
	return nil
}

// run is the product and its vendor; the vendor ends last.
func (s *session) run(ctx context.Context) error {
	p, err := s.open(ctx)
	if err != nil {
		return err
	}
	s.info.BaseURL, s.info.OpsURL = p.BaseURL(), p.OpsURL()
	if s.info.PortalURL = s.o.Config.People.PortalURL; s.info.PortalURL == "" {
		s.info.PortalURL = defaultPortal
	}
	if !s.o.Config.People.SMTPURL.IsSet() {
		s.info.MailURL = p.BaseURL() + devmail.Path
	}
	s.folder.State.Listen = hostPort(p.BaseURL())
	if err := s.folder.Save(); err != nil {
		return errors.Join(err, p.Close())
	}
	serving, stopVendor := context.WithCancel(context.WithoutCancel(ctx))
	defer stopVendor()
	vendorEnded := make(chan error, 1)
	go func() { vendorEnded <- s.vendor.Run(serving) }()
	err = s.work(ctx, p)
	stopVendor()
	return errors.Join(err, <-vendorEnded)
}

// work runs the product and fills it in; it returns when the product has ended.
func (s *session) work(ctx context.Context, p *program.Program) error {
	working, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		defer stop() // so that nobody waits for a product that has failed
		ended <- p.Run(working)
	}()
	err := s.seed(working, p)
	if err != nil {
		stop()
		err = errors.Join(err, <-ended)
		if ctx.Err() != nil {
			return nil // it was told to stop while it started
		}
		return err
	}
	s.o.Ready(s.info)
	return <-ended
}

// seed records the demonstration's data and tells others that everything is there.
func (s *session) seed(ctx context.Context, p *program.Program) error {
	ctx, cancel := context.WithTimeout(ctx, seedTime)
	defer cancel()
	state := s.folder.State
	position, err := demo.Seed(ctx, p.App(), demo.Data{
		ID: state.ID, WalletID: state.WalletID, KeyID: state.KeyID, Secret: state.APIKey,
		VendorURL: s.vendor.URL() + "/v1", Edition: state.Edition,
	})
	if err != nil {
		return err
	}
	if err := p.WaitFor(ctx, position); err != nil {
		return err
	}
	return s.folder.WriteInfo(s.info)
}

// open opens the product on the address that was asked for; one that nobody asked for by name is left for a free one.
func (s *session) open(ctx context.Context) (*program.Program, error) {
	c := s.o.Config
	c.Store.DatabaseURL, c.Store.RedisURL = config.NewSecret(s.database), config.NewSecret(s.info.RedisURL)
	c.HTTP.OperatorToken = config.NewSecret(s.folder.State.OperatorToken)
	if c.HTTP.OpsListen == config.Default().HTTP.OpsListen { // several may run side by side
		c.HTTP.OpsListen = anyPort
	}
	c.Gateway.JournalDir = s.folder.Path("journal")
	c.Proof.LogKey, c.Proof.LogPublicKey, c.Proof.LogDir = config.NewSecret(s.folder.State.LogKey), "", s.info.LogDir
	if !c.Webhooks.WebhookKey.IsSet() { // of a folder that is older than its keyset
		c.Webhooks.WebhookKey = config.NewSecret(s.folder.State.WebhookKey)
	}
	c.Webhooks.WebhookAllowHTTP = true // receivers of developers are on this machine
	c.Webhooks.WebhookNetworks = strings.TrimSuffix("127.0.0.0/8,::1/128,"+c.Webhooks.WebhookNetworks, ",")
	keys := map[string]config.Secret{}
	for _, vendor := range demo.Vendors() {
		keys[vendor] = config.NewSecret(demo.Key(vendor, s.folder.State.VendorKey))
	}
	c.Vendors.Keys = c.Vendors.Keys.With(keys)
	c.HTTP.Listen = s.o.Listen
	if s.o.Listen == "" {
		c.HTTP.Listen = firstFree(ctx, s.folder.State.Listen, s.o.Config.HTTP.Listen)
	}
	if !c.People.Enabled() {
		c.People.PortalURL = defaultPortal
	}
	if c.SMS.SMSCountries == "" && (c.SMS.HasProvider() || !c.People.SMTPURL.IsSet()) {
		c.SMS.SMSCountries = "1,44,49,86"
	}
	if c.People.AdminURL == "" {
		c.People.AdminURL = "http://localhost:3000"
	}
	return program.Open(ctx, program.Options{Config: c, Serve: true, Work: true, Dev: true, Log: s.o.Log})
}

// firstFree is the first address that can be listened on now, else any free port.
func firstFree(ctx context.Context, addresses ...string) string {
	for _, address := range addresses {
		if address == "" {
			continue
		}
		var lc net.ListenConfig
		if l, err := lc.Listen(ctx, "tcp", address); err == nil {
			_ = l.Close() // it was only tried
			return address
		}
	}
	return anyPort
}

func hostPort(url string) string {
	const scheme = "http://"
	return url[min(len(scheme), len(url)):]
}

// Curl is a line that calls a model, to be pasted into a shell.
func Curl(info folder.Info) string {
	return fmt.Sprintf(`curl -s %s/v1/chat/completions -H "Authorization: Bearer %s" -H "Content-Type: application/json" `+
		`-d '{"model":"%s","messages":[{"role":"user","content":"Hello"}]}'`, info.BaseURL, info.APIKey, demo.Model)
}
