-- +goose Up
CREATE TABLE people (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, slack_id TEXT, doc TEXT NOT NULL);
CREATE UNIQUE INDEX people_slack ON people (slack_id);

CREATE TABLE aways (id TEXT PRIMARY KEY, person TEXT NOT NULL, from_day BIGINT NOT NULL, to_day BIGINT NOT NULL, doc TEXT NOT NULL);
CREATE INDEX aways_person ON aways (person, to_day);

-- The folded columns are lower case, made by the program: what a database calls lower case
-- depends on its locale.
CREATE TABLE accounts (id TEXT PRIMARY KEY, name TEXT NOT NULL, id_folded TEXT NOT NULL, name_folded TEXT NOT NULL, domain TEXT NOT NULL, csm TEXT NOT NULL, original_ae TEXT NOT NULL, restricted BIGINT NOT NULL, doc TEXT NOT NULL);
CREATE INDEX accounts_name ON accounts (name, id);
CREATE INDEX accounts_csm ON accounts (csm);
CREATE INDEX accounts_restricted ON accounts (restricted);

CREATE TABLE contacts (id TEXT PRIMARY KEY, account_id TEXT NOT NULL, doc TEXT NOT NULL);
CREATE INDEX contacts_account ON contacts (account_id, id);

CREATE TABLE entitlements (account_id TEXT NOT NULL, metric TEXT NOT NULL, from_day BIGINT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (account_id, metric, from_day));

-- day counts days since 1970-01-01.
CREATE TABLE usage_daily (account_id TEXT NOT NULL, metric TEXT NOT NULL, day BIGINT NOT NULL, value DOUBLE PRECISION NOT NULL, received_at BIGINT NOT NULL, PRIMARY KEY (account_id, metric, day));
CREATE INDEX usage_received ON usage_daily (received_at);

CREATE TABLE feature_events (account_id TEXT NOT NULL, user_id TEXT NOT NULL, feature TEXT NOT NULL, kind TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (account_id, user_id, feature, kind, at));

CREATE TABLE health_daily (account_id TEXT NOT NULL, day BIGINT NOT NULL, score DOUBLE PRECISION, PRIMARY KEY (account_id, day));

CREATE TABLE named_accounts (account_id TEXT NOT NULL, rep TEXT NOT NULL, from_day BIGINT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (account_id, rep, from_day));
CREATE TABLE partners (csm TEXT NOT NULL, account_id TEXT NOT NULL, rep TEXT NOT NULL, from_day BIGINT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (csm, account_id, rep, from_day));

CREATE TABLE detector_states (account_id TEXT NOT NULL, detector TEXT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (account_id, detector));
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
CREATE TABLE policies (version TEXT PRIMARY KEY, text TEXT NOT NULL, published_at BIGINT NOT NULL);

-- open_key is the duplicate key while the signal takes evidence, NULL afterwards.
CREATE TABLE expansion_signals (
  id TEXT PRIMARY KEY, number BIGINT NOT NULL UNIQUE, account_id TEXT NOT NULL, signal_type TEXT NOT NULL, signal_strength TEXT NOT NULL,
  status TEXT NOT NULL, waiting TEXT NOT NULL, open_key TEXT UNIQUE, opportunity_id TEXT NOT NULL, created_by TEXT NOT NULL,
  detected_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, version BIGINT NOT NULL, doc TEXT NOT NULL, context TEXT);
CREATE INDEX signals_account ON expansion_signals (account_id, number);
CREATE INDEX signals_status ON expansion_signals (status, number);

CREATE TABLE evidence (id TEXT PRIMARY KEY, signal_id TEXT NOT NULL, account_id TEXT NOT NULL, source TEXT NOT NULL, source_id TEXT NOT NULL, occurred_at BIGINT NOT NULL, doc TEXT NOT NULL, UNIQUE (source, source_id));
CREATE INDEX evidence_signal ON evidence (signal_id, occurred_at, id);
CREATE INDEX evidence_account ON evidence (account_id, occurred_at, id);

CREATE TABLE expansion_routings (
  id TEXT PRIMARY KEY, number BIGINT NOT NULL UNIQUE, signal_id TEXT NOT NULL, account_id TEXT NOT NULL, to_person TEXT NOT NULL, escalated_to TEXT NOT NULL,
  status TEXT NOT NULL, disposition TEXT NOT NULL, opportunity_id TEXT NOT NULL, routed_at BIGINT NOT NULL, acknowledged_at BIGINT, closed_at BIGINT,
  escalate_at BIGINT NOT NULL, outcome_minor BIGINT, outcome_currency TEXT NOT NULL, pooled BIGINT NOT NULL, version BIGINT NOT NULL, doc TEXT NOT NULL, decision TEXT NOT NULL);
CREATE INDEX routings_signal ON expansion_routings (signal_id, number);
CREATE INDEX routings_person ON expansion_routings (to_person, disposition, status);
CREATE INDEX routings_escalated ON expansion_routings (escalated_to, disposition, status);
CREATE INDEX routings_routed ON expansion_routings (routed_at, number);

CREATE TABLE expansion_opportunities (
  id TEXT PRIMARY KEY, number BIGINT NOT NULL UNIQUE, signal_id TEXT NOT NULL, routing_id TEXT NOT NULL REFERENCES expansion_routings (id), account_id TEXT NOT NULL,
  name TEXT NOT NULL, expansion_type TEXT NOT NULL, amount_minor BIGINT, currency TEXT NOT NULL, stage_id TEXT NOT NULL, stage TEXT NOT NULL, probability DOUBLE PRECISION,
  close_date BIGINT, owner TEXT NOT NULL, crm TEXT NOT NULL, crm_id TEXT NOT NULL, agreed TEXT NOT NULL, url TEXT NOT NULL, attached BIGINT NOT NULL, associated BIGINT NOT NULL, note_id TEXT NOT NULL,
  won BIGINT, outcome TEXT, gone_at BIGINT, created_at BIGINT NOT NULL, version BIGINT NOT NULL);
CREATE INDEX opportunities_account ON expansion_opportunities (account_id, number);
CREATE INDEX opportunities_crm ON expansion_opportunities (crm_id);

CREATE TABLE holds (account_id TEXT PRIMARY KEY, holder TEXT NOT NULL, routing_id TEXT NOT NULL, until BIGINT NOT NULL, lifted_at BIGINT);

CREATE TABLE activities (id @SERIAL@, at BIGINT NOT NULL, agent TEXT NOT NULL, verb TEXT NOT NULL, account_id TEXT NOT NULL, signal_id TEXT NOT NULL, routing_id TEXT NOT NULL, person TEXT NOT NULL, job BIGINT NOT NULL, envelope TEXT NOT NULL, args TEXT);
CREATE INDEX activities_signal ON activities (signal_id, id);
CREATE INDEX activities_account ON activities (account_id, id);

CREATE TABLE waits (id TEXT PRIMARY KEY, subject TEXT NOT NULL, kind TEXT NOT NULL, due_at BIGINT NOT NULL, done_at BIGINT, policy TEXT NOT NULL);
CREATE INDEX waits_subject ON waits (subject, kind);
CREATE INDEX waits_due ON waits (done_at, due_at);

-- One row for each thing outside: a card, a thread line, a mail, a CRM record.
CREATE TABLE deliveries (
  id TEXT PRIMARY KEY, channel TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, person TEXT NOT NULL, signal_id TEXT NOT NULL, routing_id TEXT NOT NULL,
  parent TEXT NOT NULL, text TEXT NOT NULL, wanted BIGINT NOT NULL, shown BIGINT NOT NULL, state TEXT NOT NULL, claim TEXT NOT NULL, claim_until BIGINT NOT NULL, unknown BIGINT NOT NULL,
  attempt BIGINT NOT NULL, next_at BIGINT, reason TEXT NOT NULL, remote TEXT NOT NULL, remote_channel TEXT NOT NULL, link TEXT NOT NULL, created_at BIGINT NOT NULL, first_try_at BIGINT, sent_at BIGINT,
  UNIQUE (channel, kind, subject, person));
CREATE INDEX deliveries_signal ON deliveries (signal_id, id);
CREATE INDEX deliveries_parent ON deliveries (parent);
CREATE INDEX deliveries_state ON deliveries (channel, state);
CREATE INDEX deliveries_open ON deliveries (id) WHERE shown < wanted;

CREATE TABLE inbox (id TEXT PRIMARY KEY, kind TEXT NOT NULL, slack_user TEXT NOT NULL, payload TEXT NOT NULL, received_at BIGINT NOT NULL, done_at BIGINT, error TEXT NOT NULL);
CREATE INDEX inbox_open ON inbox (id) WHERE done_at IS NULL;

CREATE TABLE idempotency (key TEXT PRIMARY KEY, request TEXT NOT NULL, status BIGINT NOT NULL, body TEXT NOT NULL, at BIGINT NOT NULL);

-- +goose Down
SELECT 1;
