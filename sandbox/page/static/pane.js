// One person's Slack: conversations, messages, threads, Home, modals, composer.
import { h, icon, initials, menu, tint } from './dom.js';
import { blocks, text as blockText } from './blockkit.js';
import { dayKey, mrkdwn, shortDay, timeOf } from './mrkdwn.js';
import { get, latest, openLink, post, report, toast } from './wire.js';

const when = ts => new Date(parseFloat(ts) * 1000);
const zoneCity = tz => (tz || 'UTC').split('/').pop().replaceAll('_', ' ');

const commands = [
  ['log', 'Log an expansion signal', 'log Brightwater they asked about 30 more seats'], ['mine', 'What waits on me', 'mine'], ['account', 'Look up an account', 'account Brightwater'],
  ['list', 'Open signals, with filters', 'list'], ['why', 'How a routing was decided', 'why R-'], ['ooo', 'Set away time and cover', 'ooo today cover @dana'],
  ['undo', 'Recall a routing', 'undo R-'], ['report', 'How signals perform', 'report 30d'], ['help', 'All commands', 'help'],
];

export class Pane {
  // world gives state() with people, channels, now; names the pane for storage.
  constructor(root, key, user, world) {
    Object.assign(this, { root, key, world, user, tab: 'messages', channel: '', thread: '', data: null, seen: '', drawn: new Map(), homeSeen: '', modalSeen: '', fresh: true });
    const saved = JSON.parse(localStorage.getItem('pane-' + key) || '{}');
    if (saved.user && world.person(saved.user)) Object.assign(this, saved);
    this.reload = latest(() => this.load());
    this.build();
    if (this.tab === 'home') post('/page/act', { kind: 'home', user: this.user });
  }

  save() { localStorage.setItem('pane-' + this.key, JSON.stringify({ user: this.user, tab: this.tab, channel: this.channel })); }
  me() { return this.world.person(this.user) || { id: this.user, name: this.user, title: '', tz: 'UTC' }; }

  build() {
    this.who = h('div', { class: 'who' });
    this.chans = h('div', { class: 'chans', role: 'list', 'aria-label': 'Channels', hidden: true });
    this.feed = h('div', { class: 'feed', tabindex: '0', role: 'log', 'aria-label': 'Messages', onscroll: () => this.scrolled() });
    this.home = h('div', { class: 'home', hidden: true, tabindex: '-1' });
    this.jump = h('button', { type: 'button', class: 'jump', hidden: true, onclick: () => this.toEnd() }, 'New messages', icon('down'));
    this.composer();
    this.main = h('div', { class: 'pane-main' }, this.who, this.chans, h('div', { class: 'pane-body' }, this.feed, this.home, this.jump), this.compose);
    this.overlay = h('div', { class: 'overlay', hidden: true });
    this.root.replaceChildren(this.main, this.overlay);
    this.root.addEventListener('dragover', e => { if (e.dataTransfer?.types.includes('Files') && this.tab !== 'home') { e.preventDefault(); this.root.classList.add('dropping'); } });
    this.root.addEventListener('dragleave', e => { if (!this.root.contains(e.relatedTarget)) this.root.classList.remove('dropping'); });
    this.root.addEventListener('drop', e => { e.preventDefault(); this.root.classList.remove('dropping'); this.upload(e.dataTransfer.files); });
    this.root.addEventListener('keydown', e => {
      if (e.key !== 'Escape' || e.defaultPrevented) return;
      if (!this.overlay.hidden) this.closeTop(false);
      else if (this.thread) this.openThread('');
    });
    this.drawWho();
  }

  go(changes) {
    const other = changes.user && changes.user !== this.user;
    Object.assign(this, changes);
    if (other) Object.assign(this, { channel: '', thread: '', data: null, modalSeen: '', homeSeen: '' });
    this.seen = '';
    this.drawn.clear();
    this.feed.replaceChildren();
    this.fresh = true;
    this.save();
    this.drawWho();
    this.setTab();
    if (this.tab === 'home') post('/page/act', { kind: 'home', user: this.user }).then(report);
    this.reload();
  }

  setTab() {
    const homeTab = this.tab === 'home';
    this.home.hidden = !homeTab;
    this.feed.hidden = homeTab;
    this.compose.hidden = homeTab;
    this.chans.hidden = this.tab !== 'channels';
    if (homeTab) this.jump.hidden = true;
  }

  async load() {
    const want = { user: this.user, tab: this.tab, channel: this.tab === 'channels' ? this.channel : '' };
    const data = await get(`/page/pane?user=${encodeURIComponent(want.user)}&channel=${encodeURIComponent(want.channel)}`);
    if (want.user !== this.user || want.tab !== this.tab || (this.tab === 'channels' && want.channel !== this.channel)) return this.load();
    if (this.tab === 'channels' && !data.conversations.some(c => c.id === this.channel)) {
      const first = data.conversations.find(c => c.kind === 'channel');
      if (first && this.channel !== first.id) { this.channel = first.id; return this.load(); }
    }
    const sig = JSON.stringify(data);
    if (sig === this.seen) return;
    this.seen = sig;
    this.data = data;
    this.draw();
  }

  draw() {
    this.setTab();
    this.drawWho();
    this.drawChannels();
    if (this.tab === 'home') this.drawHome();
    else this.drawFeed();
    this.drawModals();
    this.markRead();
  }

  markRead() {
    if (this.tab === 'home' || document.hidden || !this.shown()) return;
    const c = this.data.conversations.find(x => x.id === this.data.channel);
    if (c && c.unread) post('/page/act', { kind: 'read', user: this.user, channel: c.id });
  }
  shown() { return this.root.offsetParent !== null; }

  // ---- header

  drawWho() {
    const p = this.me(), conv = this.data?.conversations || [];
    const dm = conv.find(c => c.kind === 'im')?.unread || 0, ch = conv.filter(c => c.kind === 'channel').reduce((n, c) => n + c.unread, 0);
    const sig = [p.id, this.tab, dm, ch, this.world.minute()].join();
    if (sig === this.whoSeen) return;
    this.whoSeen = sig;
    this.root.setAttribute('aria-label', `${p.name.split(' ')[0]}’s Slack`);
    const tab = (id, label, n) => h('button', { type: 'button', 'aria-current': this.tab === id ? 'page' : null, onclick: () => this.go({ tab: id, thread: '' }) }, label, n ? h('span', { class: 'dot' }, String(n), h('span', { class: 'sr' }, ' unread')) : null);
    const pick = h('button', { type: 'button', class: 'who-pick', 'aria-haspopup': 'menu', 'aria-expanded': 'false', onclick: () => this.pickPerson(pick) }, h('strong', {}, p.name, icon('down')), h('small', {}, h('span', { class: 'role' }, p.title + ' · '), `${zoneCity(p.tz)}, ${timeOf(this.world.now(), p.tz)}`));
    const focus = this.who.contains(document.activeElement) ? [...this.who.querySelectorAll('button')].indexOf(document.activeElement) : -1;
    this.who.replaceChildren(h('div', { class: 'av ' + tint(p.id), 'aria-hidden': 'true' }, initials(p.name)), pick, h('nav', { 'aria-label': 'Slack' }, tab('home', 'Home', 0), tab('messages', 'Messages', dm), tab('channels', 'Channels', ch)));
    if (focus >= 0) this.who.querySelectorAll('button')[focus]?.focus();
    this.world.named(this.key, p, dm + ch);
  }

  pickPerson(anchor) {
    menu(anchor, this.world.state().people.filter(p => p.role || p.external).map(p => ({
      text: p.name, note: p.external ? 'Customer, shared channel only' : p.title, on: p.id === this.user, lead: h('span', { class: 'av tiny ' + tint(p.id), 'aria-hidden': 'true' }, initials(p.name)), run: () => this.go({ user: p.id, tab: p.external ? 'channels' : this.tab }),
    })), { label: 'Whose Slack' });
  }

  drawChannels() {
    if (this.tab !== 'channels') return;
    this.chans.replaceChildren(...this.data.conversations.filter(c => c.kind === 'channel').map(c => h('button', { type: 'button', role: 'listitem', class: 'chan' + (c.unread ? ' unread' : ''), 'aria-current': c.id === this.data.channel ? 'true' : null, onclick: () => this.go({ channel: c.id, thread: '' }) },
      h('span', {}, '# ' + c.name), c.external ? h('span', { class: 'tag' }, 'shared') : null, c.unread ? h('span', { class: 'dot' }, String(c.unread)) : null)));
  }

  // ---- messages

  ctx(surface, target) {
    const p = this.me();
    const send = (kind, b, el, value) => post('/page/act', { kind, user: this.user, target, block: b.block_id || '', action: el.action_id || '', value });
    return {
      surface, user: this.user, tz: p.tz, now: () => this.world.now(), people: this.world.people(), channels: this.world.channels(), open: openLink,
      state: () => null,
      press: async (b, el, value) => report(await send('press', b, el, value)),
      fill: async (b, el, value) => { const out = await send('fill', b, el, value); if (out.error) toast(out.error, 'bad'); },
      suggest: async (b, el, typed) => {
        const out = await post('/page/act', { kind: 'suggest', user: this.user, target, block: b.block_id || '', action: el.action_id, text: typed });
        if (out.error) throw new Error(/dispatch_failed|operation_timeout/.test(out.error) ? 'The list could not be loaded. Try again.' : out.error);
        return out.options || [];
      },
      confirm: obj => this.ask(obj),
    };
  }

  drawFeed() {
    const atEnd = this.fresh || this.feed.scrollHeight - this.feed.scrollTop - this.feed.clientHeight < 80;
    const tz = this.me().tz, all = this.data.messages || [];
    const parent = this.thread && all.find(m => m.ts === this.thread);
    if (this.thread && !parent) this.thread = '';
    const list = this.thread ? all.filter(m => m.ts === this.thread || m.thread_ts === this.thread) : all.filter(m => !m.thread_ts || m.thread_ts === m.ts);
    const nodes = [], used = new Set();
    if (this.thread) nodes.push(this.once('thread-head', '', () => h('div', { class: 'thread-head' }, h('button', { type: 'button', class: 'link', onclick: () => this.openThread('') }, icon('back'), 'All messages'), h('span', {}, 'Thread')), used));
    let day = '', news = 0;
    const today = dayKey(this.world.now(), tz), yesterday = dayKey(new Date(this.world.now() - 864e5), tz);
    for (const m of list) {
      if (m.deleted && !m.reply_count) continue;
      const d = dayKey(when(m.ts), tz);
      if (d !== day && !this.thread) {
        day = d;
        const label = d === today ? 'Today' : d === yesterday ? 'Yesterday' : shortDay(when(m.ts), tz);
        nodes.push(this.once('day-' + d, label, () => h('div', { class: 'day' }, label), used));
      }
      const sig = JSON.stringify(m) + this.thread;
      if (!this.drawn.has(m.ts)) news++;
      nodes.push(this.once(m.ts, sig, () => this.message(m), used));
    }
    if (!list.length) nodes.push(this.once('empty', this.data.channel, () => h('div', { class: 'empty' }, h('div', { class: 'av e big', 'aria-hidden': 'true' }, 'E'), h('p', {}, this.tab === 'messages' ? h('b', {}, 'Nothing here yet.') : h('b', {}, 'No messages in this channel.')), this.tab === 'messages' ? h('p', {}, 'What needs you arrives here. Type ', h('code', {}, '/expansion'), ' to begin.') : null), used));
    for (const k of [...this.drawn.keys()]) if (!used.has(k)) this.drawn.delete(k);
    sync(this.feed, nodes);
    if (atEnd) this.toEnd();
    else if (news) this.jump.hidden = false;
    this.fresh = false;
  }

  // once keeps an element as long as its signature stays.
  once(key, sig, make, used) {
    used.add(key);
    const had = this.drawn.get(key);
    if (had && had.sig === sig) return had.el;
    const el = make();
    if (!had && !this.fresh) el.classList.add('new');
    const open = had && [...had.el.querySelectorAll('details')].map(d => d.open);
    if (open) el.querySelectorAll('details').forEach((d, i) => { if (open[i] !== undefined) d.open = open[i]; });
    // Keep the keyboard where it was when a card changes under it.
    const had_focus = had && had.el.contains(document.activeElement);
    this.drawn.set(key, { sig, el });
    if (had_focus) queueMicrotask(() => (el.querySelector('.btn') || el).focus?.());
    return el;
  }

  message(m) {
    const p = this.world.person(m.user), bot = !!m.bot_id || m.user === this.world.state().bot, tz = this.me().tz;
    const name = bot ? 'Expansion' : p ? p.name : m.user;
    const ctx = this.ctx('message', { channel: this.data.channel, ts: m.ts });
    const time = timeOf(when(m.ts), tz) + (m.edited ? ' · edited' + (m.edited_ts ? ' ' + timeOf(when(m.edited_ts), tz) : '') : '');
    const body = h('div', { class: 'msg-body' });
    if (m.deleted) body.append(h('p', { class: 'gone' }, 'This message was deleted.'));
    else if (m.blocks && m.blocks.length) body.append(h('div', { class: 'kit' + (bot && m.blocks.length > 1 ? ' card' : '') }, blocks(m.blocks, ctx)));
    else if (m.text) body.append(h('div', { class: 'txt' }, mrkdwn(m.text, ctx)));
    for (const f of m.files || []) body.append(h('a', { class: 'file', href: '/page/file?id=' + encodeURIComponent(f.id), download: f.name }, icon('file'), h('span', {}, h('b', {}, f.name), h('small', {}, size(f.size)))));
    const more = h('button', { type: 'button', class: 'tool', 'aria-label': 'Message actions', 'aria-haspopup': 'menu', 'aria-expanded': 'false', onclick: () => this.messageMenu(more, m) }, icon('more'));
    const tools = m.ephemeral || m.deleted ? null : h('div', { class: 'tools' }, this.thread ? null : h('button', { type: 'button', class: 'tool', 'aria-label': 'Reply in thread', onclick: () => this.openThread(m.thread_ts || m.ts) }, icon('reply')), more);
    const replies = !this.thread && m.reply_count ? h('button', { type: 'button', class: 'thread', onclick: () => this.openThread(m.ts) }, `${m.reply_count} ${m.reply_count === 1 ? 'reply' : 'replies'}`, m.latest_reply ? ` · last ${timeOf(when(m.latest_reply), tz)}` : '') : null;
    return h('article', { class: 'msg' + (m.ephemeral ? ' only-you' : ''), 'aria-label': `${name}, ${time}` },
      h('div', { class: 'av ' + (bot ? 'e' : tint(m.user)), 'aria-hidden': 'true' }, bot ? 'E' : initials(name)),
      h('div', { class: 'msg-main' }, m.ephemeral ? h('div', { class: 'only' }, icon('eye'), 'Only visible to you') : null, h('header', {}, h('strong', {}, name), bot ? h('em', {}, 'APP') : p?.external ? h('em', {}, 'GUEST') : null, h('time', { datetime: when(m.ts).toISOString() }, time)), body, replies), tools);
  }

  messageMenu(anchor, m) {
    menu(anchor, [
      { text: 'Log as expansion signal', note: 'Opens the form with this message quoted', run: async () => report(await post('/page/act', { kind: 'shortcut', user: this.user, action: 'log_from_message', channel: this.data.channel, target: { channel: this.data.channel, ts: m.ts } })) },
      { text: 'Reply in thread', run: () => this.openThread(m.thread_ts || m.ts) },
      { text: 'Copy text', run: async () => { try { await navigator.clipboard.writeText(m.text || ''); toast('Copied'); } catch { toast('The browser did not allow copying.', 'bad'); } } },
    ], { label: 'Message actions', align: 'right' });
  }

  openThread(ts) {
    this.go({ thread: ts });
    if (ts) this.box.focus();
  }

  toEnd() { this.feed.scrollTop = this.feed.scrollHeight; this.jump.hidden = true; }
  scrolled() { if (this.feed.scrollHeight - this.feed.scrollTop - this.feed.clientHeight < 40) this.jump.hidden = true; }

  // ---- Home

  drawHome() {
    const v = this.data.home, sig = JSON.stringify(v?.blocks) + this.world.minute();
    if (sig === this.homeSeen || (this.home.contains(document.activeElement) && /INPUT|TEXTAREA/.test(document.activeElement.tagName) && this.homeSeen)) return;
    this.homeSeen = sig;
    const top = this.home.scrollTop, values = v?.state?.values || {};
    if (!v) {
      this.home.replaceChildren(h('div', { class: 'empty' }, h('div', { class: 'av e big', 'aria-hidden': 'true' }, 'E'), h('p', {}, h('b', {}, 'Home is empty.')), h('p', {}, this.world.state().bots ? 'The bot has not published it yet.' : 'The bot is not connected.')));
      return;
    }
    const ctx = { ...this.ctx('home', { home: true }), state: (b, a) => values[b]?.[a] || null };
    this.home.replaceChildren(h('div', { class: 'kit' }, blocks(v.blocks, ctx)));
    this.home.scrollTop = top;
  }

  // ---- modals

  drawModals() {
    const stack = this.data.modals || [], top = stack.at(-1);
    if (!top) {
      this.overlay.hidden = true;
      this.overlay.replaceChildren();
      this.main.inert = false;
      if (this.modalSeen && this.modalBack?.isConnected) this.modalBack.focus();
      this.modalSeen = '';
      return;
    }
    const view = top.json, bare = { ...view };
    for (const k of ['state', 'hash']) delete bare[k];
    const sig = top.id + JSON.stringify(bare) + stack.length;
    if (sig !== this.modalSeen) {
      if (!this.modalSeen) this.modalBack = document.activeElement;
      const same = this.modalSeen.startsWith(top.id), scroll = same ? this.overlay.querySelector('.modal-body')?.scrollTop : 0;
      const focus = same && this.overlay.contains(document.activeElement) ? document.activeElement.closest('[data-block]')?.dataset.block : null;
      this.modalSeen = sig;
      this.overlay.replaceChildren(this.modal(top, view, stack.length));
      this.overlay.hidden = false;
      this.main.inert = true;
      const body = this.overlay.querySelector('.modal-body');
      body.scrollTop = scroll || 0;
      if (!same || focus !== null) {
        const where = focus ? body.querySelector(`[data-block="${CSS.escape(focus)}"]`) : body;
        const first = body.querySelector('[data-focus]') || (where || body).querySelector('input:not([type=radio]):not([type=checkbox]),textarea,select,.btn') || this.overlay.querySelector('.modal');
        if (this.world.mayFocus(this)) first.focus({ preventScroll: !!focus });
      }
    }
    this.showErrors(top.errors || {});
  }

  modal(top, view, depth) {
    const target = { view_id: top.id }, values = view.state?.values || {};
    const ctx = { ...this.ctx('modal', target), state: (b, a) => values[b]?.[a] || null };
    const body = h('div', { class: 'modal-body kit' }, blocks(view.blocks, ctx));
    const title = 'm' + top.id;
    const submit = view.submit ? h('button', { type: 'submit', class: 'btn pri', disabled: !!view.submit_disabled }, blockText(view.submit, ctx)) : null;
    const form = h('form', { class: 'modal', role: 'dialog', 'aria-modal': 'true', 'aria-labelledby': title, tabindex: '-1', novalidate: true, onsubmit: async e => {
      e.preventDefault();
      if (!submit || form.classList.contains('busy')) return;
      form.classList.add('busy');
      submit.disabled = true;
      try {
        await Promise.all([...body.querySelectorAll('.field-in')].map(x => x.flush && x.flush()));
        const out = await post('/page/act', { kind: 'submit', user: this.user, target });
        report(out);
        if (out.field_errors) this.showErrors(out.field_errors, true);
      } finally {
        form.classList.remove('busy');
        submit.disabled = !!view.submit_disabled;
      }
    } },
    h('div', { class: 'modal-head' }, depth > 1 ? h('button', { type: 'button', class: 'tool', 'aria-label': 'Back', onclick: () => this.closeTop(false) }, icon('back')) : h('div', { class: 'av e small', 'aria-hidden': 'true' }, 'E'), h('h2', { id: title }, blockText(view.title, ctx)), h('button', { type: 'button', class: 'tool', 'aria-label': 'Close', onclick: () => this.closeTop(true) }, icon('close'))),
    body,
    h('div', { class: 'modal-foot' }, h('button', { type: 'button', class: 'btn', onclick: () => this.closeTop(false) }, view.close ? blockText(view.close, ctx) : depth > 1 ? 'Back' : view.submit ? 'Cancel' : 'Close'), submit));
    form.addEventListener('keydown', e => {
      if (e.key === 'Enter' && (e.metaKey || e.ctrlKey)) { e.preventDefault(); form.requestSubmit(); }
      if (e.key === 'Tab') trap(e, form);
    });
    return form;
  }

  showErrors(errors, focus) {
    let first = null;
    for (const el of this.overlay.querySelectorAll('.b-input')) {
      const t = errors[el.dataset.block] || '';
      const at = el.querySelector('.in-err');
      if (at.textContent !== t) at.textContent = t;
      el.classList.toggle('wrong', !!t);
      const f = el.querySelector('input,textarea');
      if (f) { if (t) f.setAttribute('aria-invalid', 'true'); else f.removeAttribute('aria-invalid'); }
      if (t && !first) first = f || el;
    }
    if (focus && first) { first.focus(); first.scrollIntoView({ block: 'nearest' }); }
  }

  async closeTop(all) {
    const top = this.data?.modals?.at(-1);
    if (top) report(await post('/page/act', { kind: 'close', user: this.user, target: { view_id: top.id }, all }));
  }

  // ask shows a confirm dialog and gives the person's answer.
  ask(c) {
    const ctx = this.ctx('message', {}), back = document.activeElement;
    return new Promise(done => {
      const end = yes => { box.remove(); back?.focus?.(); done(yes); };
      const box = h('div', { class: 'overlay ask' }, h('div', { class: 'modal small', role: 'alertdialog', 'aria-modal': 'true', 'aria-label': c.title?.text || 'Are you sure?', onkeydown: e => { if (e.key === 'Escape') { e.preventDefault(); e.stopPropagation(); end(false); } if (e.key === 'Tab') trap(e, box); } },
        h('div', { class: 'modal-head' }, h('h2', {}, blockText(c.title, ctx))), h('div', { class: 'modal-body' }, blockText(c.text, ctx)),
        h('div', { class: 'modal-foot' }, h('button', { type: 'button', class: 'btn', onclick: () => end(false) }, c.deny ? blockText(c.deny, ctx) : 'Cancel'), h('button', { type: 'button', class: 'btn ' + (c.style === 'danger' ? 'dan' : 'pri'), onclick: () => end(true) }, c.confirm ? blockText(c.confirm, ctx) : 'Yes'))));
      this.root.append(box);
      box.querySelector('.modal-foot button').focus();
    });
  }

  // ---- composer

  composer() {
    this.box = h('textarea', { rows: 1, class: 'box', 'aria-label': 'Message', autocomplete: 'off', spellcheck: 'true', placeholder: 'Message Expansion', 'aria-autocomplete': 'list' });
    const file = h('input', { type: 'file', hidden: true, onchange: () => { this.upload(file.files); file.value = ''; } });
    this.hints = h('div', { class: 'hints', role: 'listbox', 'aria-label': 'Completions', hidden: true });
    this.compose = h('form', { class: 'compose', onsubmit: e => { e.preventDefault(); this.send(); } }, this.hints,
      h('button', { type: 'button', class: 'slash', title: 'Commands', onclick: () => { this.box.value = '/expansion '; this.box.focus(); this.complete(); } }, '/expansion'), this.box, file,
      h('button', { type: 'button', class: 'tool', 'aria-label': 'Attach a file', onclick: () => file.click() }, icon('clip')), h('button', { type: 'submit', class: 'tool', 'aria-label': 'Send' }, icon('send')));
    const grow = () => { this.box.style.height = 'auto'; this.box.style.height = Math.min(140, this.box.scrollHeight) + 'px'; };
    this.grow = grow;
    this.box.addEventListener('input', () => { grow(); this.complete(); });
    this.box.addEventListener('keypress', e => { if (e.key === 'Enter' && !e.shiftKey) e.preventDefault(); });
    this.box.addEventListener('blur', () => setTimeout(() => { this.hints.hidden = true; }, 150));
    this.box.addEventListener('keydown', e => {
      const rows = this.hints.hidden ? [] : [...this.hints.children];
      const at = rows.findIndex(r => r.classList.contains('at'));
      if (rows.length && (e.key === 'ArrowDown' || e.key === 'ArrowUp')) {
        e.preventDefault();
        rows[at]?.classList.remove('at');
        const next = rows[(at + (e.key === 'ArrowDown' ? 1 : -1) + rows.length) % rows.length];
        next.classList.add('at');
        next.scrollIntoView({ block: 'nearest' });
      } else if (rows.length && (e.key === 'Tab' || (e.key === 'Enter' && at >= 0))) {
        e.preventDefault();
        rows[Math.max(0, at)].take();
      } else if (e.key === 'Escape' && !this.hints.hidden) { e.preventDefault(); this.hints.hidden = true; }
      else if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) { e.preventDefault(); this.send(); }
    });
  }

  complete() {
    const v = this.box.value, before = v.slice(0, this.box.selectionStart);
    let rows = [];
    const cmd = /^\/(?:e\S*)?$/.test(v) ? '' : /^\/expansion\s+(\S*)$/.exec(v)?.[1];
    const at = /(?:^|\s)@(\w*)$/.exec(before)?.[1];
    if (cmd !== undefined && cmd !== null && /^\//.test(v)) {
      const list = commands.filter(([w]) => w.startsWith(cmd.toLowerCase()) && w !== cmd);
      rows = list.map(([w, what, example]) => ({ head: '/expansion ' + w, note: what, take: () => { this.box.value = '/expansion ' + example; } }));
    } else if (at !== undefined) {
      rows = this.world.state().people.filter(p => p.handle.startsWith(at.toLowerCase())).slice(0, 8).map(p => ({ head: '@' + p.handle, note: p.name, take: () => { this.box.value = before.slice(0, before.length - at.length) + p.handle + ' ' + v.slice(before.length); } }));
    }
    this.hints.replaceChildren(...rows.map(r => {
      const take = () => { r.take(); this.box.focus(); this.grow(); this.hints.hidden = true; };
      const el = h('div', { class: 'hint', role: 'option', onmousedown: e => { e.preventDefault(); take(); } }, h('code', {}, r.head), h('span', {}, r.note));
      el.take = take;
      return el;
    }));
    this.hints.hidden = !rows.length;
  }

  async send() {
    const text = this.box.value.trim();
    if (!text || !this.data) return;
    const channel = this.data.channel, thread = this.thread;
    let out;
    const cmd = /^\/expansion(?:\s+([\s\S]*))?$/.exec(text);
    this.box.value = '';
    this.grow();
    this.hints.hidden = true;
    if (cmd && thread) out = { error: 'Slack runs no commands in threads. Type it in the conversation.' };
    else if (cmd) out = await post('/page/act', { kind: 'command', user: this.user, channel, text: cmd[1] || '' });
    else if (/^\/[a-z]/i.test(text)) out = { error: `${text.split(/\s/)[0]} is not a command here. The app’s command is /expansion.` };
    else out = await post('/page/act', { kind: 'say', user: this.user, channel, thread, text });
    if (!report(out) && !this.box.value) { this.box.value = text; this.grow(); }
    this.feed.scrollTop = this.feed.scrollHeight;
  }

  async upload(files) {
    for (const f of files || []) {
      const form = new FormData();
      form.set('user', this.user);
      form.set('channel', this.data.channel);
      form.set('file', f);
      report(await post('/page/upload', form));
    }
  }
}

const size = n => (n < 1024 ? n + ' B' : n < 1 << 20 ? Math.round(n / 1024) + ' kB' : (n / (1 << 20)).toFixed(1) + ' MB');

// sync makes parent's children exactly nodes, moving as little as possible.
function sync(parent, nodes) {
  nodes.forEach((n, i) => { if (parent.children[i] !== n) parent.insertBefore(n, parent.children[i] || null); });
  while (parent.children.length > nodes.length) parent.lastChild.remove();
}

function trap(e, box) {
  const all = [...box.querySelectorAll('button,input,textarea,select,a[href],[tabindex="0"],summary')].filter(x => !x.disabled && x.offsetParent !== null);
  if (!all.length) return;
  if (e.shiftKey && (document.activeElement === all[0] || document.activeElement === box)) { e.preventDefault(); all.at(-1).focus(); }
  else if (!e.shiftKey && document.activeElement === all.at(-1)) { e.preventDefault(); all[0].focus(); }
}
