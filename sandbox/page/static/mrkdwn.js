// Slack's text formats: mrkdwn with its <…> tokens, date tokens, emoji, and the
// markdown block. Everything becomes DOM nodes; nothing is parsed as HTML.
import { h } from './dom.js';

const emoji = {
  white_check_mark: '✅', heavy_check_mark: '✔️', x: '❌', warning: '⚠️', tada: '🎉', rocket: '🚀', eyes: '👀', fire: '🔥', bell: '🔔', no_bell: '🔕', phone: '📞', telephone_receiver: '📞', email: '📧', envelope: '✉️', calendar: '📅',
  date: '📅', hourglass: '⌛', hourglass_flowing_sand: '⏳', clock3: '🕒', alarm_clock: '⏰', chart_with_upwards_trend: '📈', chart_with_downwards_trend: '📉', bar_chart: '📊', moneybag: '💰', dart: '🎯', bulb: '💡', memo: '📝',
  mag: '🔍', link: '🔗', lock: '🔒', unlock: '🔓', key: '🔑', question: '❓', exclamation: '❗', information_source: 'ℹ️', thumbsup: '👍', '+1': '👍', thumbsdown: '👎', '-1': '👎', wave: '👋', pray: '🙏', raised_hands: '🙌', clap: '👏', smile: '😄', slightly_smiling_face: '🙂',
  red_circle: '🔴', large_green_circle: '🟢', large_yellow_circle: '🟡', large_blue_circle: '🔵', white_circle: '⚪', black_circle: '⚫', star: '⭐', zap: '⚡', gear: '⚙️', wrench: '🔧', package: '📦', palm_tree: '🌴', house: '🏠', recycle: '♻️', arrow_right: '➡️', point_right: '👉', speech_balloon: '💬', busts_in_silhouette: '👥', bust_in_silhouette: '👤', handshake: '🤝', seedling: '🌱', trophy: '🏆', no_entry: '⛔', construction: '🚧', robot_face: '🤖', paperclip: '📎', page_facing_up: '📄', newspaper: '📰', inbox_tray: '📥', outbox_tray: '📤', trash: '🗑️', wastebasket: '🗑️', pushpin: '📌', triangular_flag_on_post: '🚩',
};
export const emojiOf = name => emoji[name.replace(/::skin-tone-\d$/, '')];

export const unescape = s => s.replace(/&(lt|gt|amp);/g, (_, n) => ({ lt: '<', gt: '>', amp: '&' })[n]);

// words is text that has no markup left: emoji names and strength chips are shown.
function words(text, withEmoji = true) {
  const out = [];
  const re = /:([a-z0-9_+-]+(?:::skin-tone-\d)?):|[●○](?:[─-]?[●○])+/g;
  let at = 0, m;
  while ((m = re.exec(text))) {
    const known = m[1] && withEmoji && emojiOf(m[1]);
    if (m[1] && !known) continue;
    out.push(text.slice(at, m.index));
    out.push(known ? h('span', { class: 'emoji', role: 'img', 'aria-label': m[1].replaceAll('_', ' ') }, known) : h('span', { class: 'chip' }, m[0]));
    at = m.index + m[0].length;
  }
  out.push(text.slice(at));
  return out.filter(x => x !== '');
}

export function plain(text, withEmoji = true) {
  const f = document.createDocumentFragment();
  text.split('\n').forEach((line, i) => { if (i) f.append(h('br')); f.append(...words(line, withEmoji)); });
  return f;
}

// ---- dates

const part = (date, tz, opts) => new Intl.DateTimeFormat('en-GB', { timeZone: tz || 'UTC', ...opts }).format(date);
export const dayKey = (date, tz) => part(date, tz, { year: 'numeric', month: '2-digit', day: '2-digit' });
export const timeOf = (date, tz) => part(date, tz, { hour: '2-digit', minute: '2-digit' });
export const shortDay = (date, tz) => part(date, tz, { weekday: 'short', day: 'numeric', month: 'short' });

function pretty(date, ctx) {
  const days = [['yesterday', -1], ['today', 0], ['tomorrow', 1]];
  for (const [word, n] of days) if (dayKey(date, ctx.tz) === dayKey(new Date(ctx.now().getTime() + n * 864e5), ctx.tz)) return word;
  return null;
}

// formatDate fills Slack's date format for a reader's zone.
export function formatDate(seconds, format, ctx) {
  const d = new Date(seconds * 1000), tz = ctx.tz;
  const rel = pretty(d, ctx);
  const ago = () => {
    const s = Math.round((d - ctx.now()) / 1000), abs = Math.abs(s);
    const [n, unit] = abs < 60 ? [s, 'second'] : abs < 3600 ? [Math.round(s / 60), 'minute'] : abs < 86400 ? [Math.round(s / 3600), 'hour'] : [Math.round(s / 86400), 'day'];
    return new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(n, unit);
  };
  const date = () => part(d, tz, { day: 'numeric', month: 'long', year: 'numeric' });
  const short = () => part(d, tz, { day: 'numeric', month: 'short', year: 'numeric' });
  const long = () => part(d, tz, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
  const table = {
    date_num: () => dayKey(d, tz).split('/').reverse().join('-'), date, date_short: short, date_long: long, date_pretty: () => rel || date(), date_short_pretty: () => rel || short(), date_long_pretty: () => rel || long(),
    date_slash: () => dayKey(d, tz), day_divider_pretty: () => rel || long(), time: () => timeOf(d, tz), time_secs: () => part(d, tz, { hour: '2-digit', minute: '2-digit', second: '2-digit' }), ago,
  };
  return format.replace(/\{([a-z_]+)\}/g, (all, name) => (table[name] ? table[name]() : all));
}

// ---- tokens

export function link(url, label, ctx) {
  let ok = false;
  try { ok = ['http:', 'https:', 'mailto:'].includes(new URL(url).protocol); } catch { ok = false; }
  if (!ok) return h('span', {}, label);
  return h('a', { href: url, rel: 'noopener noreferrer', target: '_blank', title: url, onclick: e => ctx.open && ctx.open(e, url) }, label);
}

export function person(id, ctx, fallback) {
  const p = ctx.people.get(id);
  const me = id === ctx.user;
  return h('span', { class: 'mention' + (me ? ' me' : ''), title: p ? p.name : id }, '@' + (p ? p.name : fallback || id));
}

// broadcast is a mention that notifies a whole channel: shown in red, because the
// product must never send one.
export const broadcast = name => h('strong', { class: 'mention live', title: 'This notifies everybody' }, '@' + name);

function token(body, ctx) {
  const bar = body.indexOf('|');
  const head = bar < 0 ? body : body.slice(0, bar), label = bar < 0 ? '' : unescape(body.slice(bar + 1));
  switch (body[0]) {
    case '@': return person(head.slice(1), ctx, label);
    case '#': {
      const name = ctx.channels.get(head.slice(1)) || label || head.slice(1);
      return h('span', { class: 'mention' }, '#' + name);
    }
    case '!': {
      if (head.startsWith('!date^')) {
        const [, ts, format, url] = head.split('^');
        const text = /^\d+$/.test(ts) ? formatDate(Number(ts), unescape(format), ctx) : label;
        const el = h('time', { title: label }, text);
        return url ? link(unescape(url), el, ctx) : el;
      }
      if (head.startsWith('!subteam^')) return broadcast(label.replace(/^@/, '') || 'group');
      return broadcast(head.slice(1).split('^')[0]);
    }
    default: {
      const url = unescape(head);
      return link(url, label || url.replace(/^mailto:/, ''), ctx);
    }
  }
}

// ---- mrkdwn

const bare = /\bhttps?:\/\/[^\s<>|]+[^\s<>|.,;:!?)'"]/g;

function inline(text, ctx, verbatim) {
  const out = [];
  // Code first, then tokens: nothing inside them is formatted.
  const re = /```([\s\S]+?)```|`([^`\n]+)`|<([^<>\n]+)>/g;
  let at = 0, m;
  const flat = []; // strings and finished nodes
  while ((m = re.exec(text))) {
    flat.push(text.slice(at, m.index));
    if (m[1] !== undefined) flat.push(h('pre', {}, unescape(m[1].replace(/^\n/, ''))));
    else if (m[2] !== undefined) flat.push(h('code', {}, unescape(m[2])));
    else flat.push(token(m[3], ctx));
    at = m.index + m[0].length;
  }
  flat.push(text.slice(at));
  // Formatting may span tokens: nodes stand as one private character meanwhile.
  const nodes = [];
  const s = flat.map(x => (typeof x === 'string' ? x.replace(/[\ue000-\uf8ff]/g, '') : (nodes.push(x), String.fromCharCode(0xe000 + nodes.length - 1)))).join('');
  out.push(...style(s, nodes, ctx, verbatim));
  return out;
}

const marks = { '*': 'b', '_': 'i', '~': 's' };
function style(s, nodes, ctx, verbatim) {
  const out = [];
  const re = /(^|[\s({\["'“‘.,;:!?/&>*_~—–·-])([*_~])(?=\S)([^\n]*?\S)\2(?=$|[\s)}\]"'”’.,;:!?/&<*_~—–·-])/;
  let m;
  while ((m = re.exec(s))) {
    out.push(...leaf(s.slice(0, m.index) + m[1], nodes, ctx, verbatim));
    out.push(h(marks[m[2]], {}, ...style(m[3], nodes, ctx, verbatim)));
    s = s.slice(m.index + m[0].length);
  }
  out.push(...leaf(s, nodes, ctx, verbatim));
  return out;
}

function leaf(s, nodes, ctx, verbatim) {
  const out = [];
  s.split('\n').forEach((line, i) => {
    if (i) out.push(h('br'));
    for (const piece of line.split(/([\ue000-\uf8ff])/)) {
      const n = piece.length === 1 ? piece.charCodeAt(0) - 0xe000 : -1;
      if (n >= 0 && nodes[n]) { out.push(nodes[n]); continue; }
      if (verbatim) { out.push(...words(unescape(piece))); continue; }
      let at = 0;
      for (const u of piece.matchAll(bare)) {
        out.push(...words(unescape(piece.slice(at, u.index))), link(unescape(u[0]), unescape(u[0]), ctx));
        at = u.index + u[0].length;
      }
      out.push(...words(unescape(piece.slice(at))));
    }
  });
  return out;
}

// mrkdwn turns Slack's wire text into nodes.
export function mrkdwn(text, ctx, verbatim = false) {
  const f = document.createDocumentFragment();
  const quote = /^(?:&gt;|>) ?/;
  for (const chunk of text.split(/(```[\s\S]+?```)/)) {
    if (/^```[\s\S]+```$/.test(chunk)) { f.append(...inline(chunk, ctx, verbatim)); continue; }
    let run = [], quoted = false;
    const flush = () => {
      if (run.length) {
        const kids = inline(run.join('\n'), ctx, verbatim);
        f.append(...(quoted ? [h('blockquote', {}, ...kids)] : kids));
      }
      run = [];
    };
    for (const line of chunk.split('\n')) {
      const q = quote.test(line);
      if (q !== quoted) { flush(); quoted = q; }
      run.push(q ? line.replace(quote, '') : line);
    }
    flush();
  }
  return f;
}

// markdown is the markdown block: a useful part of CommonMark.
export function markdown(text, ctx) {
  const f = document.createDocumentFragment();
  const span = s => {
    const out = [];
    const re = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|_([^_\s][^_]*)_|~~([^~]+)~~|\[([^\]]+)\]\(([^)\s]+)\)/g;
    let at = 0, m;
    while ((m = re.exec(s))) {
      out.push(...words(s.slice(at, m.index)));
      if (m[1]) out.push(h('code', {}, m[1]));
      else if (m[2]) out.push(h('b', {}, ...span(m[2])));
      else if (m[3] || m[4]) out.push(h('i', {}, ...span(m[3] || m[4])));
      else if (m[5]) out.push(h('s', {}, m[5]));
      else out.push(link(m[7], m[6], ctx));
      at = m.index + m[0].length;
    }
    out.push(...words(s.slice(at)));
    return out;
  };
  let list = null, para = null;
  for (const line of text.split('\n')) {
    const head = /^(#{1,6})\s+(.*)/.exec(line), item = /^\s*(?:[-*•]|(\d+)[.)])\s+(.*)/.exec(line);
    if (head) { f.append(h('h' + Math.min(6, head[1].length + 2), {}, ...span(head[2]))); list = para = null; }
    else if (item) {
      const tag = item[1] ? 'ol' : 'ul';
      if (!list || list.localName !== tag) f.append((list = h(tag, {})));
      list.append(h('li', {}, ...span(item[2])));
      para = null;
    } else if (/^\s*(-{3,}|\*{3,})\s*$/.test(line)) { f.append(h('hr')); list = para = null; }
    else if (!line.trim()) list = para = null;
    else {
      if (para) para.append(h('br'));
      else f.append((para = h('p', {})));
      para.append(...span(line.replace(/^>\s?/, '')));
      list = null;
    }
  }
  return f;
}
