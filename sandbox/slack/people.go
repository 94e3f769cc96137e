package slack

import (
	"strings"
	"time"
)

// apiUser is a person as the API shows them.
func (s *Server) apiUser(u User) obj {
	team := s.cfg.TeamID
	if u.External {
		team = externalTeam
	}
	zone := u.TimeZone
	if zone == "" {
		zone = "UTC"
	}
	offset := 0
	if loc, err := time.LoadLocation(zone); err == nil {
		_, offset = s.cfg.Clock().In(loc).Zone()
	}
	return obj{
		"id": u.ID, "team_id": team, "name": u.Handle, "deleted": u.Deleted, "real_name": u.RealName, "color": "9f69e7",
		"tz": zone, "tz_label": zone, "tz_offset": offset, "profile": s.apiProfile(u), "is_admin": false, "is_owner": false, "is_primary_owner": false,
		"is_restricted": u.Guest, "is_ultra_restricted": false, "is_bot": u.Bot, "is_app_user": false, "is_email_confirmed": u.Email != "",
		"is_stranger": false, "updated": 1700000000, "who_can_share_contact_card": "EVERYONE",
	}
}

func (s *Server) apiProfile(u User) obj {
	p := obj{
		"title": u.Title, "phone": "", "real_name": u.RealName, "real_name_normalized": u.RealName, "display_name": u.Handle,
		"display_name_normalized": u.Handle, "status_text": u.Status, "status_emoji": "", "status_expiration": 0, "team": s.cfg.TeamID,
	}
	if u.Email != "" && s.needScope("users:read.email") == nil {
		p["email"] = u.Email
	}
	return p
}

// bot is the app's own user.
func (s *Server) bot() User {
	return User{ID: s.BotUserID(), Handle: strings.ToLower(s.cfg.BotName), RealName: s.cfg.BotName, Bot: true}
}

// person finds the user argument. s.mu is held.
func (c *call) person() (User, error) {
	id := c.str("user")
	if id == c.s.BotUserID() {
		return c.s.bot(), nil
	}
	u, ok := c.s.w.Users[id]
	if !ok {
		return User{}, refuse("user_not_found")
	}
	return u, nil
}

func (c *call) usersInfo() (obj, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	u, err := c.person()
	if err != nil {
		return nil, err
	}
	return obj{"user": c.s.apiUser(u)}, nil
}

func (c *call) usersList() (obj, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []any{s.apiUser(s.bot())}
	for _, id := range s.w.UserOrder {
		all = append(all, s.apiUser(s.w.Users[id]))
	}
	from, to, next, err := c.page(len(all), 200, 1000)
	if err != nil {
		return nil, err
	}
	return obj{"members": all[from:to], "cache_ts": s.cfg.Clock().Unix(), "response_metadata": obj{"next_cursor": next}}, nil
}

func (c *call) usersByEmail() (obj, error) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.w.UserOrder {
		if u := s.w.Users[id]; u.Email != "" && strings.EqualFold(u.Email, c.str("email")) && !u.Deleted {
			return obj{"user": s.apiUser(u)}, nil
		}
	}
	return nil, refuse("users_not_found")
}

func (c *call) profile() (obj, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	u, err := c.person()
	if err != nil {
		return nil, err
	}
	return obj{"profile": c.s.apiProfile(u)}, nil
}

func (c *call) presence() (obj, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	u, err := c.person()
	if err != nil {
		return nil, err
	}
	if u.Deleted {
		return obj{"presence": "away"}, nil
	}
	return obj{"presence": "active"}, nil
}

func (c *call) dndInfo() (obj, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.str("user") != "" {
		if _, err := c.person(); err != nil {
			return nil, err
		}
	}
	return obj{"dnd_enabled": false, "next_dnd_start_ts": 1, "next_dnd_end_ts": 1, "snooze_enabled": false}, nil
}

func (c *call) teamInfo() (obj, error) {
	return obj{"team": obj{"id": c.s.cfg.TeamID, "name": c.s.cfg.TeamName, "domain": "sandbox", "email_domain": ""}}, nil
}
