// The page: what it knows of the world, the top bar, the guide, and who gets told
// when something changed.
import { h, icon, menu, order, place } from './dom.js';
import { dayKey, shortDay, timeOf } from './mrkdwn.js';
import { Pane } from './pane.js';
import { Side } from './side.js';
import { latest, post, report, toast } from './wire.js';

const $ = id => document.getElementById(id);
let state = JSON.parse(document.body.dataset.state);
let ahead = new Date(state.now) - Date.now();
let people = new Map(), channels = new Map();

const world = {
  zone: 'Europe/Lisbon',
  state: () => state,
  now: () => new Date(Date.now() + ahead),
  minute: () => Math.floor((Date.now() + ahead) / 60000),
  day: () => dayKey(world.now(), world.zone),
  person: id => people.get(id),
  people: () => people,
  channels: () => channels,
  named: (key, p, unread) => phone(key, p, unread),
  // A modal may take the keyboard unless somebody is at work in the other pane.
  mayFocus: pane => { const a = document.activeElement; return !a || a === document.body || pane.root.contains(a) || !document.querySelector('main').contains(a) || a.tagName === 'BUTTON'; },
};

function take(s) {
  const drift = new Date(s.now) - Date.now() - ahead;
  if (Math.abs(drift) > 400) ahead += drift;
  state = s;
  people = new Map(s.people.map(p => [p.id, p]));
  s.people.forEach((p, i) => order.set(p.id, i));
  channels = new Map((s.channels || []).map(c => [c.id, c.name]));
  bar();
  guide();
}

// ---- top bar

function bar() {
  for (const b of document.querySelectorAll('[data-part]')) {
    const down = !!state.down[b.dataset.part];
    b.setAttribute('aria-pressed', String(down));
    b.title = down ? `${b.textContent} is off. Press to bring it back.` : `Press to switch ${b.textContent} off.`;
  }
  const n = $('notice'), broken = state.broken || [];
  const text = !state.bots && !state.down.slack ? 'The bot is not connected' : broken.length ? `${broken.length} Slack ${broken.length === 1 ? 'rule' : 'rules'} broken` : '';
  n.hidden = !text;
  n.textContent = text;
  n.onclick = () => (broken.length ? pop(n, 'Slack rules the bot broke', h('ul', {}, broken.slice(-12).map(x => h('li', {}, x)))) : pop(n, 'The bot is not connected', h('p', {}, 'Nothing answers commands and buttons until the bot opens its socket. It connects by itself when it runs.')));
}

function tick() {
  const now = world.now();
  const text = `${shortDay(now, world.zone).replace(',', '')}, ${timeOf(now, world.zone)}`;
  if ($('clock').textContent !== text) {
    $('clock').textContent = text;
    $('clock').dateTime = now.toISOString();
    panes.forEach(p => p.drawWho());
  }
}

for (const b of document.querySelectorAll('[data-by]')) {
  b.addEventListener('click', async () => {
    const group = b.closest('.clock');
    if (group.classList.contains('moving')) return;
    group.classList.add('moving');
    group.setAttribute('aria-busy', 'true');
    try {
      report(await post('/page/clock', b.dataset.by === 'morning' ? { next_morning: true } : { by: b.dataset.by }));
    } finally {
      group.classList.remove('moving');
      group.removeAttribute('aria-busy');
    }
  });
}
for (const b of document.querySelectorAll('[data-part]')) b.addEventListener('click', async () => report(await post('/page/switch', { part: b.dataset.part, down: b.getAttribute('aria-pressed') !== 'true' })));

$('theme').append(icon('moon'));
$('theme').addEventListener('click', () => {
  const now = document.documentElement.dataset.theme || '';
  menu($('theme'), [['', 'As the system'], ['light', 'Light'], ['dark', 'Dark']].map(([v, t]) => ({ text: t, on: v === now, run: () => theme(v) })), { label: 'Light or dark', align: 'right' });
});
function theme(v) {
  if (v) document.documentElement.dataset.theme = v; else delete document.documentElement.dataset.theme;
  localStorage.setItem('theme', v);
}
theme(localStorage.getItem('theme') || '');

// pop is a small note below a button.
function pop(anchor, title, body) {
  document.querySelector('.pop')?.remove();
  const close = back => { box.remove(); document.removeEventListener('pointerdown', outside, true); if (back) anchor.focus(); };
  const outside = e => { if (!box.contains(e.target)) close(false); };
  const box = h('div', { class: 'pop', role: 'dialog', 'aria-label': title, tabindex: '-1', onkeydown: e => { if (e.key === 'Escape') { e.stopPropagation(); close(true); } } }, h('b', {}, title), body);
  document.body.append(box);
  place(box, anchor);
  document.addEventListener('pointerdown', outside, true);
  box.focus();
}

// ---- guide

let guideSeen = '';
function guide() {
  const sig = JSON.stringify(state.guide);
  if (sig === guideSeen) return;
  if (guideSeen) for (const [i, s] of JSON.parse(guideSeen).entries()) if (!s.done && state.guide[i]?.done) toast(`Done: ${state.guide[i].title}`, 'good');
  guideSeen = sig;
  const next = state.guide.findIndex(s => !s.done);
  const at = $('guide').contains(document.activeElement) ? [...$('guide').querySelectorAll('button')].indexOf(document.activeElement) : -1;
  $('guide').replaceChildren(h('b', {}, next < 0 ? 'All done' : 'Try it'), h('ol', {}, state.guide.map((s, i) => {
    const b = h('button', { type: 'button', class: 'step' + (s.done ? ' done' : i === next ? ' now' : ''), 'aria-current': i === next ? 'step' : null, onclick: () => pop(b, s.title, h('p', {}, s.how)) },
      h('span', { 'aria-hidden': 'true' }, s.done ? icon('check') : String(i + 1)), s.title, s.done ? h('span', { class: 'sr' }, ' (done)') : null);
    return h('li', {}, b);
  })), next < 0 ? '' : h('p', { class: 'guide-how' }, state.guide[next].how));
  if (at >= 0) $('guide').querySelectorAll('button')[at]?.focus();
  else { // a narrow strip shows the next step
    const ol = $('guide').querySelector('ol'), now = ol.querySelector('.now');
    if (now) ol.scrollLeft = now.offsetLeft - ol.offsetLeft - 8;
  }
}

// ---- phone: one part at a time

function phone(key, p, unread) {
  const b = $('phone').querySelector(`[data-go=${key}]`);
  b.replaceChildren(p.name.split(' ')[0], ...(unread ? [h('span', { class: 'dot' }, String(unread))] : []));
}
for (const key of ['left', 'right', 'side']) $('phone').append(h('button', { type: 'button', 'data-go': key, 'aria-pressed': String(key === 'left'), onclick: e => {
  document.body.dataset.view = key;
  for (const b of $('phone').children) b.setAttribute('aria-pressed', String(b === e.currentTarget));
  panes.forEach(x => { x.seen = ''; x.reload(); });
} }, key === 'side' ? 'Behind the scenes' : ''));

// ---- start

take(state);
const cast = state.people.filter(p => p.role);
const panes = [];
panes.push(new Pane($('left'), 'left', (cast[0] || state.people[0]).id, world));
panes.push(new Pane($('right'), 'right', (cast[1] || cast[0] || state.people[0]).id, world));
const side = new Side($('side'), world);
tick();
setInterval(tick, 1000);

const drawPanes = latest(async () => { await Promise.all(panes.map(p => p.reload())); });
const events = new EventSource('/page/events');
events.addEventListener('change', e => {
  document.body.classList.remove('lost');
  const { parts, state: s } = JSON.parse(e.data);
  take(s);
  tick();
  if (!parts) return;
  if (parts.includes('slack') || parts.includes('clock')) drawPanes();
  if (parts.includes(side.tab) || parts.includes('clock')) side.reload();
});
events.addEventListener('error', () => document.body.classList.add('lost'));
document.addEventListener('visibilitychange', () => { if (!document.hidden) panes.forEach(p => { p.seen = ''; p.reload(); }); });
document.body.dataset.ready = '1';
