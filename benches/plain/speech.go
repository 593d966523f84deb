package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"time"
)

var errNotFound = errors.New("endpoint not found")

type modelRef struct {
	Self string `json:"self"`
}

type remoteEndpoint struct {
	Self        string    `json:"self,omitempty"`
	DisplayName string    `json:"displayName,omitempty"`
	Locale      string    `json:"locale,omitempty"`
	Model       *modelRef `json:"model,omitempty"`
	Status      string    `json:"status,omitempty"`
}

func (e *remoteEndpoint) id() (string, error) {
	u, err := url.Parse(e.Self)
	if err != nil {
		return "", err
	}
	return path.Base(u.Path), nil
}

type speechClient struct {
	base string
	key  string
	http *http.Client
}

func newSpeechClient(base, key string) *speechClient {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	return &speechClient{base: base, key: key, http: &http.Client{Timeout: 30 * time.Second, Transport: t}}
}

func (c *speechClient) do(ctx context.Context, method, resource, p string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+"/"+resource+"/speechtotext"+p+"?api-version=2024-11-15", body)
	if err != nil {
		return err
	}
	req.Header.Set("Ocp-Apim-Subscription-Key", c.key)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return errNotFound
	case resp.StatusCode >= 300:
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		return fmt.Errorf("%s %s: %s: %s", method, p, resp.Status, b)
	case out != nil:
		return json.NewDecoder(resp.Body).Decode(out)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func (c *speechClient) create(ctx context.Context, resource string, in *remoteEndpoint) (*remoteEndpoint, error) {
	out := &remoteEndpoint{}
	return out, c.do(ctx, http.MethodPost, resource, "/endpoints", in, out)
}

func (c *speechClient) get(ctx context.Context, resource, id string) (*remoteEndpoint, error) {
	out := &remoteEndpoint{}
	return out, c.do(ctx, http.MethodGet, resource, "/endpoints/"+url.PathEscape(id), nil, out)
}

func (c *speechClient) update(ctx context.Context, resource, id string, in *remoteEndpoint) (*remoteEndpoint, error) {
	out := &remoteEndpoint{}
	return out, c.do(ctx, http.MethodPatch, resource, "/endpoints/"+url.PathEscape(id), in, out)
}

func (c *speechClient) delete(ctx context.Context, resource, id string) error {
	return c.do(ctx, http.MethodDelete, resource, "/endpoints/"+url.PathEscape(id), nil, nil)
}
