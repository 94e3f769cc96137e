package slack

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// apiFile is a file as the API shows it. s.mu is held.
func (s *Server) apiFile(f *file) obj {
	ext := strings.TrimPrefix(path.Ext(f.Name), ".")
	if ext == "" {
		ext = "binary"
	}
	channels, groups, ims := []string{}, []string{}, []string{}
	for _, id := range f.Shared {
		switch s.w.Channels[id].kind() {
		case "im":
			ims = append(ims, id)
		case "groups":
			groups = append(groups, id)
		default:
			channels = append(channels, id)
		}
	}
	return obj{
		"id": f.ID, "created": f.Created, "timestamp": f.Created, "name": f.Name, "title": f.Title, "mimetype": f.Mimetype, "filetype": ext,
		"pretty_type": strings.ToUpper(ext), "user": f.User, "user_team": s.cfg.TeamID, "mode": "hosted", "editable": false, "is_external": false,
		"external_type": "", "size": f.Size, "url_private": f.URLPrivate, "url_private_download": f.URLPrivate, "permalink": "https://sandbox.slack.com/files/" + f.ID,
		"is_public": len(channels) > 0, "public_url_shared": false, "channels": channels, "groups": groups, "ims": ims, "file_access": "visible",
	}
}

// newFile registers a file. s.mu is held.
func (s *Server) newFile(user, name string, content []byte) *file {
	id := s.id("F")
	kind := mime.TypeByExtension(path.Ext(name))
	if kind == "" {
		kind = http.DetectContentType(content)
	}
	f := &file{File: File{
		ID: id, Name: name, Title: name, Mimetype: kind, Size: len(content), User: user,
		URLPrivate: s.cfg.BaseURL + "/files/" + id + "/" + url.PathEscape(name),
	}, Content: content, Created: s.cfg.Clock().Unix()}
	s.w.Files[id] = f
	return f
}

// FileContent returns a file and its bytes, for showing it to a person without the app's token.
// The bytes belong to the server.
func (s *Server) FileContent(id string) (File, []byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.w.Files[id]
	if !ok || !f.Done {
		return File{}, nil, false
	}
	return f.File, f.Content, true
}

func (c *call) filesInfo() (obj, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.w.Files[c.str("file")]
	if !ok || !f.Done {
		return nil, refuse("file_not_found")
	}
	return obj{"file": s.apiFile(f), "comments": []any{}, "response_metadata": obj{"next_cursor": ""}}, nil
}

func (c *call) uploadURL() (obj, error) {
	s := c.s
	length, err := strconv.Atoi(c.str("length"))
	if err != nil || length <= 0 || c.str("filename") == "" {
		return nil, refuse("invalid_arguments")
	}
	if length > maxBody {
		return nil, refuse("file_upload_size_restricted")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.newFile(s.BotUserID(), c.str("filename"), nil)
	f.Secret, f.Length = secret(), length
	return obj{"upload_url": s.cfg.BaseURL + "/upload/" + f.Secret, "file_id": f.ID}, nil
}

func (s *Server) serveUpload(w http.ResponseWriter, r *http.Request) {
	if s.net.isDown() {
		http.Error(w, "service unavailable", http.StatusServiceUnavailable)
		return
	}
	fault, faulty := s.net.fault("upload")
	if faulty && s.serveFault(w, r, fault) {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody+1<<16)
	content, err := uploadedBytes(r)
	if err != nil {
		http.Error(w, "upload unreadable", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	var f *file
	for _, ff := range s.w.Files {
		if ff.Secret == r.PathValue("secret") && !ff.Done {
			f = ff
		}
	}
	if f != nil && len(content) == f.Length {
		f.Content, f.Size = content, len(content)
	}
	s.mu.Unlock()
	switch {
	case faulty:
		cut(w)
	case f == nil:
		http.Error(w, "upload address unknown or used", http.StatusNotFound)
	case len(content) != f.Length:
		http.Error(w, fmt.Sprintf("announced %d bytes, got %d", f.Length, len(content)), http.StatusBadRequest)
	default:
		fmt.Fprintf(w, "OK - %d", len(content))
	}
}

// uploadedBytes takes a multipart part of any name (slack-go) or the raw body (Bolt).
func uploadedBytes(r *http.Request) ([]byte, error) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return io.ReadAll(r.Body)
	}
	if err := r.ParseMultipartForm(maxBody); err != nil {
		return nil, err
	}
	for _, parts := range r.MultipartForm.File {
		p, err := parts[0].Open()
		if err != nil {
			return nil, err
		}
		defer p.Close()
		return io.ReadAll(p)
	}
	return nil, fmt.Errorf("no file part")
}

func (c *call) completeUpload() (obj, error) {
	s := c.s
	raw, ok := c.json("files")
	var list []struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	if !ok || json.Unmarshal(encode(raw), &list) != nil || len(list) == 0 {
		return nil, refuse("invalid_arguments")
	}
	comment := &call{s: s, method: c.method, args: map[string]any{"text": c.str("initial_comment"), "blocks": c.args["blocks"]}}
	con, err := s.content(comment, c.method)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var fs []*file
	for _, l := range list {
		f, ok := s.w.Files[l.ID]
		if !ok || f.Done || f.Content == nil {
			return nil, refuse("file_not_found")
		}
		if l.Title != "" {
			f.Title = l.Title
		}
		fs = append(fs, f)
	}
	var targets []*channel
	ids := strings.FieldsFunc(c.str("channel_id")+","+c.str("channels"), func(r rune) bool { return r == ',' })
	for _, id := range ids {
		ch, err := s.writable(id)
		if err != nil {
			return nil, err
		}
		if err := ch.thread(c.str("thread_ts")); err != nil {
			return nil, err
		}
		targets = append(targets, ch)
	}
	for _, f := range fs {
		f.Done, f.Secret = true, ""
	}
	for _, ch := range targets {
		m := &message{Message: Message{User: s.BotUserID(), BotID: s.BotID(), Text: con.text, Blocks: con.blocks, ThreadTS: c.str("thread_ts")}, Subtype: "file_share"}
		s.share(ch, m, fs)
	}
	var out []any
	for _, f := range fs {
		out = append(out, s.apiFile(f))
	}
	return obj{"files": out}, nil
}

// share adds a message with files. s.mu is held.
func (s *Server) share(ch *channel, m *message, fs []*file) *event {
	for _, f := range fs {
		f.Shared = append(f.Shared, ch.ID)
		m.Files = append(m.Files, f.File)
	}
	return s.add(ch, m)
}

// serveFile hands a file to whoever has the bot token. Anybody else gets Slack's sign-in page, as HTML with status 200.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) {
	if s.net.isDown() {
		http.Error(w, "service unavailable", http.StatusServiceUnavailable)
		return
	}
	fault, faulty := s.net.fault("download")
	if faulty && s.serveFault(w, r, fault) {
		return
	}
	f, content, ok := s.FileContent(r.PathValue("id"))
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case token != s.cfg.BotToken || s.needScope("files:read") != nil:
		http.Redirect(w, r, s.cfg.BaseURL+"/signin?redir="+url.QueryEscape(r.URL.Path), http.StatusFound)
	case !ok:
		http.NotFound(w, r)
	case faulty: // cut in the middle
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		w.Write(content[:len(content)/2])
		panic(http.ErrAbortHandler)
	default:
		w.Header().Set("Content-Type", f.Mimetype)
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		w.Write(content)
	}
}

func serveSignIn(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte("<!doctype html><title>Sign in</title><h1>Sign in to the sandbox workspace</h1>\n"))
}
