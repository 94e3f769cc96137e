package slack

// method is one row of the Web API: who may call it and how often.
type method struct {
	run   func(*call) (obj, error)
	scope string // needed bot scope; "" = none, or it depends on the conversation and run checks it
	tier  tier
	app   bool // takes the app-level token
}

var methods = map[string]method{
	"auth.test":             {run: (*call).authTest},
	"apps.connections.open": {run: (*call).connectionsOpen, app: true},

	"chat.postMessage":   {run: (*call).postMessage, scope: "chat:write", tier: tierPost},
	"chat.update":        {run: (*call).update, scope: "chat:write", tier: tier3},
	"chat.delete":        {run: (*call).delete, scope: "chat:write", tier: tier3},
	"chat.postEphemeral": {run: (*call).postEphemeral, scope: "chat:write", tier: tier4},
	"chat.getPermalink":  {run: (*call).permalink},

	"conversations.open":    {run: (*call).conversationsOpen, scope: "im:write", tier: tier3},
	"conversations.info":    {run: (*call).conversationsInfo, tier: tier3},
	"conversations.history": {run: (*call).history, tier: tier3},
	"conversations.replies": {run: (*call).replies, tier: tier3},
	"conversations.members": {run: (*call).members, tier: tier4},
	"conversations.list":    {run: (*call).conversationsList, tier: tier2},

	"views.open":    {run: (*call).viewsOpen, tier: tier4},
	"views.push":    {run: (*call).viewsPush, tier: tier4},
	"views.update":  {run: (*call).viewsUpdate, tier: tier4},
	"views.publish": {run: (*call).viewsPublish, tier: tier4},

	"users.info":          {run: (*call).usersInfo, scope: "users:read", tier: tier4},
	"users.list":          {run: (*call).usersList, scope: "users:read", tier: tier2},
	"users.lookupByEmail": {run: (*call).usersByEmail, scope: "users:read.email", tier: tier3},
	"users.profile.get":   {run: (*call).profile, scope: "users.profile:read", tier: tier4},
	"users.getPresence":   {run: (*call).presence, scope: "users:read", tier: tier3},
	"dnd.info":            {run: (*call).dndInfo, scope: "dnd:read", tier: tier3},
	"team.info":           {run: (*call).teamInfo, scope: "team:read", tier: tier3},

	"files.info":                   {run: (*call).filesInfo, scope: "files:read", tier: tier4},
	"files.getUploadURLExternal":   {run: (*call).uploadURL, scope: "files:write", tier: tier4},
	"files.completeUploadExternal": {run: (*call).completeUpload, scope: "files:write", tier: tier4},

	"reactions.add": {run: (*call).reactionsAdd, scope: "reactions:write", tier: tier3},
}

func (c *call) authTest() (obj, error) {
	s := c.s
	return obj{
		"url": "https://sandbox.slack.com/", "team": s.cfg.TeamName, "user": "expansion", "team_id": s.cfg.TeamID,
		"user_id": s.BotUserID(), "bot_id": s.BotID(), "is_enterprise_install": false,
	}, nil
}
