// Behind the scenes: the product's timeline, the CRM's records, the mailbox.
import { h, icon, menu } from './dom.js';
import { dayKey, shortDay, timeOf } from './mrkdwn.js';
import { get, latest, post, report } from './wire.js';

const money = (n, cur) => (n === '' || n === undefined || n === null ? '' : new Intl.NumberFormat('en', { style: 'currency', currency: cur || 'USD', maximumFractionDigits: 0 }).format(Number(n)));

export class Side {
  constructor(root, world) {
    Object.assign(this, { root, world, tab: 'timeline', items: [], last: 0, problem: '', mailOpen: '', mailPart: 'mail', seen: '' });
    this.body = root.querySelector('#side-body');
    this.tabs = [...root.querySelectorAll('[role=tab]')];
    this.tabs.forEach((t, i) => {
      t.addEventListener('click', () => this.show(t.id.slice(4)));
      t.addEventListener('keydown', e => {
        const n = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: -1 }[e.key];
        if (n === undefined) return;
        e.preventDefault();
        const to = this.tabs.at(n % this.tabs.length);
        to.focus();
        to.click();
      });
    });
    this.reload = latest(() => this.load());
    this.reload();
  }

  show(tab) {
    this.tab = tab;
    this.tabs.forEach(t => { const on = t.id === 'tab-' + tab; t.setAttribute('aria-selected', String(on)); t.tabIndex = on ? 0 : -1; });
    this.body.setAttribute('aria-labelledby', 'tab-' + tab);
    this.seen = '';
    this.body.scrollTop = 0;
    this.reload();
  }

  async load() {
    const tab = this.tab;
    if (tab === 'timeline') {
      const { items, problem } = await get('/page/timeline?after=' + this.last);
      this.items.push(...items.filter(i => i.id > this.last));
      this.last = this.items.at(-1)?.id || 0;
      this.problem = problem;
      return this.once(() => this.timeline(), [this.last, problem, this.world.state().coming, this.world.day(), this.world.state().bots > 0]);
    }
    const data = await get(tab === 'crm' ? '/page/crm' : '/page/mail');
    if (tab !== this.tab) return this.load();
    this.once(() => (tab === 'crm' ? this.crm(data) : this.mail(data)), [data, this.mailOpen, this.mailPart]);
  }

  once(make, parts) {
    const sig = this.tab + JSON.stringify(parts);
    if (sig === this.seen) return;
    this.seen = sig;
    const held = this.body.contains(document.activeElement) ? document.activeElement.dataset.key : ''; // the keyboard stays where it was
    const top = this.body.scrollTop, open = new Set([...this.body.querySelectorAll('details[open]')].map(d => d.dataset.key));
    const el = make();
    el.querySelectorAll('details').forEach(d => { if (open.has(d.dataset.key)) d.open = true; });
    this.body.replaceChildren(el);
    this.body.scrollTop = top;
    if (held) this.body.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  }

  // ---- timeline

  timeline() {
    const zone = this.world.zone, now = this.world.now(), groups = new Map();
    for (const i of this.items) {
      const key = i.signal || i.account || '';
      if (!groups.has(key)) groups.set(key, { key, signal: i.signal, account: i.account, items: [] });
      const g = groups.get(key);
      g.account ||= i.account;
      g.items.push(i);
    }
    const today = dayKey(now, zone);
    const stamp = at => { const d = new Date(at); return dayKey(d, zone) === today ? timeOf(d, zone) : shortDay(d, zone).split(',')[0].slice(0, 3) + ' ' + timeOf(d, zone); };
    const coming = this.world.state().coming || [];
    const days = [...this.items, ...coming].some(i => dayKey(new Date(i.at), zone) !== today);
    const out = h('div', { class: 'timeline' + (days ? ' days' : '') });
    if (this.problem) out.append(h('p', { class: 'note bad' }, this.problem));
    const sorted = [...groups.values()].sort((a, b) => b.items.at(-1).id - a.items.at(-1).id);
    for (const g of sorted) {
      out.append(h('section', { class: 'tl-group' },
        h('h3', {}, g.account || (g.key ? g.key : 'Workspace'), g.signal ? h('code', {}, g.signal) : null),
        h('ol', { class: 'time' }, g.items.map(i => h('li', { class: 'v-' + i.verb }, h('time', { datetime: i.at, title: new Date(i.at).toUTCString() }, stamp(i.at)), h('i', {}), h('div', {}, i.text || i.verb.replaceAll('_', ' '), h('small', {}, [i.agent, i.routing, i.job ? 'job ' + i.job : 'in the request'].filter(Boolean).flatMap((x, n) => [n ? ' · ' : '', n ? h('code', {}, x) : x]))))))));
    }
    if (coming.length) out.append(h('section', { class: 'tl-group' }, h('h3', {}, 'Coming up'), h('ol', { class: 'time' }, coming.map(c => h('li', { class: 'wait' }, h('time', {}, stamp(c.at)), h('i', {}), h('div', {}, c.title, h('small', {}, 'the world, by itself')))))));
    if (!sorted.length) out.prepend(h('div', { class: 'empty' }, h('p', {}, h('b', {}, 'Nothing has happened yet.')), h('p', {}, 'What the agents do appears here, signal by signal.')));
    return out;
  }

  // ---- CRM

  crm(d) {
    const owner = new Map(d.owners.map(o => [o.id, o])), company = new Map(d.companies.map(c => [c.id, c])), stage = new Map(d.stages.map(s => [s.id, s]));
    const name = o => (o ? `${o.firstName} ${o.lastName}` : 'nobody');
    const edit = async (deal, property, value) => { report(await post('/page/crm', { deal, property, value })); this.seen = ''; this.reload(); };
    // A menu, not a select: a select changes at every arrow key, and each change is a write to the CRM.
    const choose = (deal, property, label, value, options) => {
      const text = options.find(([v]) => v === value)?.[1] || value;
      const el = h('button', { type: 'button', class: 'choose', 'data-key': deal + property, 'aria-label': `${label}: ${text}`, 'aria-haspopup': 'menu', 'aria-expanded': 'false', onclick: () => menu(el, options.map(([v, t]) => ({ text: t, on: v === value, run: () => edit(deal, property, v) })), { label }) }, text, icon('down'));
      return el;
    };
    const row = (label, ...v) => [h('dt', {}, label), h('dd', {}, ...v)];
    const deals = d.deals.map(x => {
      const p = x.properties, key = p.expansion_opportunity_id, st = stage.get(p.dealstage);
      const made = key ? d.creates[key] || 0 : 0;
      return h('article', { class: 'rec' + (x.archived ? ' archived' : '') },
        h('header', {}, h('h4', {}, p.dealname || 'Deal ' + x.id), x.archived ? h('span', { class: 'tag' }, 'archived') : st?.won ? h('span', { class: 'tag good' }, 'won') : st?.closed ? h('span', { class: 'tag bad' }, 'lost') : null),
        h('dl', {},
          row('Company', x.companies.map(c => company.get(c)?.name || c).join(', ') || h('em', {}, 'not linked')),
          row('Stage', x.archived ? st?.label || '' : choose(x.id, 'dealstage', 'Stage', p.dealstage, d.stages.map(s => [s.id, s.label]))),
          row('Owner', x.archived ? name(owner.get(p.hubspot_owner_id)) : choose(x.id, 'hubspot_owner_id', 'Owner', p.hubspot_owner_id || '', [['', 'nobody'], ...d.owners.filter(o => !o.archived).map(o => [o.id, name(o)])])),
          row('Amount', p.amount ? money(p.amount, p.deal_currency_code) : '—'),
          p.closedate ? row('Close', longDay(new Date(isNaN(p.closedate) ? p.closedate : Number(p.closedate)))) : null,
          key ? row('Key', h('code', {}, key), made > 1 ? h('span', { class: 'tag bad' }, `made ${made} times`) : h('small', {}, 'made once')) : null),
        x.notes.length ? h('details', { 'data-key': 'n' + x.id }, h('summary', {}, x.notes.length === 1 ? '1 note' : x.notes.length + ' notes'), x.notes.map(n => h('div', { class: 'rec-note' }, strip(n.body)))) : null,
        h('details', { 'data-key': 'p' + x.id }, h('summary', {}, 'All properties'), h('dl', { class: 'raw' }, Object.entries(p).sort().flatMap(([k, v]) => row(k, v)))));
    });
    return h('div', { class: 'crm' }, h('h3', {}, 'Deals ', h('small', {}, String(d.deals.length))), deals.length ? deals : h('p', { class: 'note' }, 'No deals yet. The first routed signal makes one.'),
      h('h3', {}, 'Companies ', h('small', {}, String(d.companies.length))), h('div', { class: 'grid' }, h('table', {}, h('thead', {}, h('tr', {}, ['Company', 'Owner'].map(t => h('th', { scope: 'col' }, t)))), h('tbody', {}, d.companies.map(c => h('tr', {}, h('td', {}, c.name, h('small', {}, c.domain)), h('td', { class: 'one' }, c.ownerId ? name(owner.get(c.ownerId)) : h('em', {}, 'nobody'))))))));
  }

  // ---- mailbox

  mail(list) {
    const zone = this.world.zone;
    const m = list.find(x => x.id === this.mailOpen);
    if (!m) {
      return h('div', { class: 'mails' }, list.length ? h('ul', {}, list.map(x => h('li', {}, h('button', { type: 'button', class: 'mail-row', onclick: () => { this.mailOpen = x.id; this.mailPart = x.html ? 'mail' : 'text'; this.reload(); } },
        h('span', { class: 'mail-to' }, x.to), h('time', {}, dayKey(new Date(x.at), zone) === dayKey(this.world.now(), zone) ? timeOf(new Date(x.at), zone) : shortDay(new Date(x.at), zone)), h('b', {}, x.subject || 'No subject'), h('small', {}, x.text.slice(0, 120)), x.repeats > 1 && x.message_id ? h('span', { class: 'tag' }, `${x.repeats} × this Message-ID`) : null))))
        : h('div', { class: 'empty' }, h('p', {}, h('b', {}, 'No mail yet.')), h('p', {}, 'What the product sends by SMTP lands here and goes no further.')));
    }
    const part = (id, label) => h('button', { type: 'button', class: 'seg', 'aria-pressed': String(this.mailPart === id), onclick: () => { this.mailPart = id; this.reload(); } }, label);
    return h('div', { class: 'mail-open' }, h('button', { type: 'button', class: 'link', onclick: () => { this.mailOpen = ''; this.reload(); } }, icon('back'), 'All mail'), h('h4', {}, m.subject || 'No subject'),
      h('dl', {}, h('dt', {}, 'From'), h('dd', {}, m.from), h('dt', {}, 'To'), h('dd', {}, m.to), h('dt', {}, 'At'), h('dd', {}, `${shortDay(new Date(m.at), zone)}, ${timeOf(new Date(m.at), zone)}`)),
      h('div', { class: 'segs', role: 'group', 'aria-label': 'Shown part' }, m.html ? part('mail', 'Mail') : null, part('text', 'Text'), part('source', 'Source')),
      this.mailPart === 'mail' && m.html ? h('iframe', { src: '/page/mail/html?id=' + encodeURIComponent(m.id), sandbox: 'allow-popups allow-popups-to-escape-sandbox', title: m.subject || 'Mail', referrerpolicy: 'no-referrer', onload: e => { e.target.dataset.loaded = '1'; } }) : h('pre', {}, this.mailPart === 'source' ? m.raw : m.text));
  }
}

// longDay has the year: a deal closes in another one as often as not.
const longDay = d => d.toLocaleDateString('en-GB', { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });

// strip shows a note's HTML as its text. A parsed document runs nothing and loads nothing.
function strip(html) {
  return new DOMParser().parseFromString(html.replace(/<(br|\/p|\/div|\/li)\b[^>]*>/gi, '\n'), 'text/html').body.textContent.trim();
}
