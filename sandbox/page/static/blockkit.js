// Draws Block Kit from the JSON the app sent: messages, modals and Home alike.
//
// ctx is what a drawing needs to know and may do:
//   user, tz, now(), people (Map), channels (Map)  who reads, where and when
//   state(blockId, actionId)      the element's entry of view.state.values, if any
//   press(block, el, value)       a person used the element
//   fill(block, el, value)        a person typed into it (the app is not told)
//   suggest(block, el, typed)     options of an external select, as a Promise
//   confirm(object)               Promise of the person's answer to a confirm dialog
//   open(event, url)              a link was clicked
import { h, svg, icon, menu } from './dom.js';
import { mrkdwn, markdown, plain, link, person, broadcast, emojiOf, formatDate } from './mrkdwn.js';
import { pick } from './pick.js';

export function blocks(list, ctx) {
  const f = document.createDocumentFragment();
  for (const b of list || []) f.append(block(b, ctx));
  return f;
}

function block(b, ctx) {
  const draw = Object.hasOwn(table, b.type) ? table[b.type] : unknown;
  let el;
  try {
    el = draw(b, ctx);
  } catch (e) { // a malformed block must not take the page with it
    el = unknown(b, ctx, e.message);
  }
  el.classList.add('b', 'b-' + String(b.type).replaceAll('_', '-'));
  if (b.block_id) el.dataset.block = b.block_id;
  return el;
}

const unknown = (b, _, why) => h('div', { class: 'unknown' }, h('b', {}, `Unknown block: ${b.type || 'no type'}`), why ? h('span', {}, ' ' + why) : null, h('details', {}, h('summary', {}, 'JSON'), h('pre', {}, JSON.stringify(b, null, 2))));

export function text(t, ctx) {
  if (!t) return '';
  if (typeof t === 'string') return plain(t);
  return t.type === 'mrkdwn' ? mrkdwn(t.text || '', ctx, t.verbatim) : plain(t.text || '', t.emoji !== false);
}
const raw = t => (t ? (typeof t === 'string' ? t : t.text || '') : '');

// A field that begins with bold words is a label and its value.
function field(t, ctx) {
  const el = h('div', { class: 'field' }, text(t, ctx));
  const first = el.firstChild;
  if (t.type === 'mrkdwn' && first && first.nodeName === 'B' && el.childNodes.length > 1) {
    const rest = [...el.childNodes].slice(1);
    if (rest[0].nodeName === 'BR') rest.shift().remove();
    else if (rest[0].nodeType === 3) rest[0].textContent = rest[0].textContent.replace(/^[\s:]+/, '');
    // The figure stands out; what qualifies it ("estimate", "· target over 60%") does not.
    const last = rest.at(-1), cut = last?.nodeType === 3 ? /^(.*?)(\s·\s.*|\sestimate)$/s.exec(last.textContent) : null;
    if (cut && (cut[1].trim() || rest.length > 1)) rest.splice(-1, 1, cut[1], h(/^\s·/.test(cut[2]) ? 'div' : 'span', { class: 'field-more' }, cut[2].replace(/^\s·\s/, '')));
    el.replaceChildren(h('div', { class: 'field-label' }, ...first.childNodes), h('div', { class: 'field-value' }, ...rest));
  }
  return el;
}

const table = {
  header: (b, ctx) => h('h' + Math.min(4, (b.level || 1) + 2), { class: 'head' }, text(b.text, ctx)),
  divider: () => h('hr'),
  section(b, ctx) {
    const main = h('div', { class: 'sec-main' });
    if (b.text) main.append(h('div', { class: 'txt' }, text(b.text, ctx)));
    if (b.fields) main.append(h('div', { class: 'fields' }, b.fields.map(t => field(t, ctx))));
    return h('div', { class: 'sec' + (b.accessory ? ' with-' + (b.accessory.type === 'image' ? 'image' : 'accessory') : '') }, main, b.accessory ? h('div', { class: 'sec-acc' }, element(b.accessory, b, ctx, { compact: true, label: raw(b.text) })) : null);
  },
  context: (b, ctx) => h('div', { class: 'ctx' }, (b.elements || []).map(e => (e.type === 'image' ? image(e, 'ctx-img') : h('span', {}, text(e, ctx))))),
  actions: (b, ctx) => h('div', { class: 'acts' }, (b.elements || []).map(e => element(e, b, ctx, { compact: true }))),
  context_actions: (b, ctx) => h('div', { class: 'acts small' }, (b.elements || []).map(e => element(e, b, ctx, { compact: true }))),
  image: b => h('figure', {}, b.title ? h('figcaption', {}, text(b.title)) : null, image(b, 'img')),
  video: (b, ctx) => h('div', { class: 'boxed' }, h('b', {}, b.title_url ? link(b.title_url, raw(b.title), ctx) : raw(b.title)), b.description ? h('div', {}, raw(b.description)) : null, h('small', {}, [b.author_name, b.provider_name, 'video'].filter(Boolean).join(' · '))),
  file: b => h('div', { class: 'boxed' }, icon('file'), ' Remote file ' + b.external_id),
  input: (b, ctx) => input(b, ctx),
  rich_text: (b, ctx) => h('div', { class: 'rich' }, (b.elements || []).map(e => rich(e, ctx))),
  markdown: (b, ctx) => h('div', { class: 'md' }, markdown(b.text || '', ctx)),
  alert: (b, ctx) => h('div', { class: 'alert ' + (b.level || 'default'), role: b.level === 'error' ? 'alert' : 'status' }, h('span', { class: 'alert-dot', 'aria-hidden': 'true' }), h('div', {}, text(b.text, ctx))),
  card: (b, ctx) => card(b, ctx),
  carousel: (b, ctx) => h('div', { class: 'carousel', tabindex: '0' }, (b.elements || []).map(c => block(c, ctx))),
  container: (b, ctx) => container(b, ctx),
  table: (b, ctx) => grid(b.rows || [], ctx, b, b.column_settings || []),
  data_table: (b, ctx) => pages(b, ctx),
  data_visualization: b => chart(b),
  plan: (b, ctx) => h('div', { class: 'boxed' }, h('b', {}, b.title), (b.tasks || []).map(t => block(t, ctx))),
  task_card: (b, ctx) => h('div', { class: 'task' }, h('span', { class: 'task-state ' + (b.status || 'pending') }, { pending: 'To do', in_progress: 'Doing', complete: 'Done', error: 'Failed' }[b.status || 'pending']), b.hide_title ? null : h('b', {}, b.title), b.details ? block(b.details, ctx) : null, b.output ? block(b.output, ctx) : null, (b.sources || []).map(s => h('div', {}, link(s.url, s.text, ctx)))),
};

// Pictures come from this computer only; anything else shows its alternative text.
function image(b, cls) {
  const src = b.image_url || '';
  const local = src.startsWith('data:image/') || src.startsWith(location.origin + '/');
  return local ? h('img', { class: cls, src, alt: b.alt_text || '' }) : h('span', { class: cls + ' alt', role: 'img', 'aria-label': b.alt_text || 'image', title: src }, b.alt_text || 'image');
}

function card(b, ctx) {
  return h('div', { class: 'minicard' }, b.hero_image ? image(b.hero_image, 'img') : null, h('div', { class: 'minicard-head' }, b.icon ? image(b.icon, 'ctx-img') : null, h('div', {}, b.title ? h('b', {}, text(b.title, ctx)) : null, b.subtitle ? h('small', {}, text(b.subtitle, ctx)) : null)), b.body ? h('div', {}, text(b.body, ctx)) : null,
    b.actions ? h('div', { class: 'acts' }, b.actions.map(e => element(e, b, ctx, { compact: true }))) : null, b.subtext ? h('small', {}, text(b.subtext, ctx)) : null);
}

function container(b, ctx) {
  const head = [b.icon ? image(b.icon, 'ctx-img') : null, h('b', {}, b.rich_text_title ? rich(b.rich_text_title.elements[0], ctx) : text(b.title, ctx)), b.subtitle ? h('small', {}, text(b.subtitle, ctx)) : null];
  const body = h('div', { class: 'cont-body' }, blocks(b.child_blocks, ctx));
  if (b.is_collapsible) return h('details', { class: 'cont', open: !b.default_collapsed }, h('summary', {}, ...head), body);
  return h('section', { class: 'cont' + (b.has_header_divider ? ' ruled' : '') }, h('div', { class: 'cont-head' }, ...head), body);
}

// ---- tables and charts

function cell(c, ctx, b) {
  if (!c) return '';
  if (c.type === 'rich_text') return h('div', { class: 'rich' }, (c.elements || []).map(e => rich(e, ctx)));
  if (c.type === 'action') return element(c.element, b, ctx, { compact: true });
  return c.type === 'raw_number' ? c.text || String(c.value) : c.text || '';
}

function grid(rows, ctx, b, settings = [], rowHead = -1) {
  const line = (r, i) => h('tr', {}, r.map((c, j) => {
    const align = settings[j]?.align || (c && c.type === 'raw_number' ? 'right' : '');
    return h(i === 0 || j === rowHead ? 'th' : 'td', { scope: i === 0 ? 'col' : j === rowHead ? 'row' : null, class: align }, cell(c, ctx, b));
  }));
  return h('div', { class: 'grid', tabindex: '0' }, h('table', {}, b.caption ? h('caption', {}, b.caption) : null, h('thead', {}, rows.slice(0, 1).map(line)), h('tbody', {}, rows.slice(1).map((r, i) => line(r, i + 1)))));
}

function pages(b, ctx) {
  const size = b.page_size || 10, rows = b.rows || [], last = Math.max(1, Math.ceil((rows.length - 1) / size));
  let at = 0;
  const el = h('div', { class: 'dtable' });
  const draw = () => el.replaceChildren(grid([rows[0] || [], ...rows.slice(1 + at * size, 1 + (at + 1) * size)], ctx, b, [], b.row_header_column_index ?? -1),
    last > 1 ? h('div', { class: 'pager' }, h('button', { type: 'button', class: 'btn', disabled: at === 0, onclick: () => { at--; draw(); } }, 'Back'), h('span', {}, `Page ${at + 1} of ${last}`), h('button', { type: 'button', class: 'btn', disabled: at + 1 === last, onclick: () => { at++; draw(); } }, 'Next')) : '');
  draw();
  return el;
}

function chart(b) {
  const c = b.chart || {}, W = 460, H = 190, L = 38, R = 10, T = 10, B = 26;
  const fig = h('figure', { class: 'chart' }, h('figcaption', {}, b.title));
  const legend = names => h('div', { class: 'legend' }, names.map((n, i) => h('span', { class: 'k' + i }, h('i', {}), n)));
  if (c.type === 'pie') {
    const sum = (c.segments || []).reduce((n, s) => n + s.value, 0) || 1;
    let a = -Math.PI / 2;
    const g = svg('svg', { viewBox: '0 0 180 180', role: 'img', 'aria-label': c.segments.map(s => `${s.label} ${s.value}`).join(', ') });
    c.segments.forEach((s, i) => {
      const e = a + Math.min(0.9999, s.value / sum) * 2 * Math.PI, big = e - a > Math.PI ? 1 : 0, p = t => `${90 + 80 * Math.cos(t)} ${90 + 80 * Math.sin(t)}`;
      g.append(svg('path', { class: 'fill k' + i, d: `M90 90L${p(a)}A80 80 0 ${big} 1 ${p(e)}Z` }));
      a += (s.value / sum) * 2 * Math.PI;
    });
    fig.append(g, legend(c.segments.map(s => `${s.label} ${s.value}`)));
    return fig;
  }
  const cats = c.axis_config?.categories || [], series = c.series || [];
  const all = series.flatMap(s => s.data.map(d => d.value));
  const top = Math.max(...all, 0) || 1, low = Math.min(...all, 0);
  const y = v => T + (H - T - B) * (1 - (v - low) / (top - low || 1));
  const x = i => L + ((W - L - R) * (i + 0.5)) / Math.max(1, cats.length);
  const g = svg('svg', { viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': series.map(s => s.name + ': ' + s.data.map(d => `${d.label} ${d.value}`).join(', ')).join('; ') });
  for (const v of [low, (low + top) / 2, top]) g.append(svg('line', { class: 'rule', x1: L, x2: W - R, y1: y(v), y2: y(v) }), svg('text', { x: L - 6, y: y(v) + 3, 'text-anchor': 'end' }, Number(v.toPrecision(3)).toLocaleString('en')));
  cats.forEach((t, i) => g.append(svg('text', { x: x(i), y: H - 8, 'text-anchor': 'middle' }, t)));
  series.forEach((s, n) => {
    const pts = s.data.map((d, i) => [x(i), y(d.value)]);
    if (c.type === 'bar') {
      const w = ((W - L - R) / Math.max(1, cats.length)) * 0.66 / series.length;
      pts.forEach(([px, py]) => g.append(svg('rect', { class: 'fill k' + n, rx: 2, x: px - (w * series.length) / 2 + n * w, width: Math.max(1, w - 2), y: Math.min(py, y(0)), height: Math.abs(y(0) - py) })));
      return;
    }
    const d = 'M' + pts.map(p => p.join(' ')).join('L');
    if (c.type === 'area') g.append(svg('path', { class: 'area k' + n, d: `${d}L${pts.at(-1)[0]} ${y(0)}L${pts[0][0]} ${y(0)}Z` }));
    g.append(svg('path', { class: 'line k' + n, d }), ...pts.map(([px, py]) => svg('circle', { class: 'fill k' + n, cx: px, cy: py, r: 2.6 })));
  });
  fig.append(g, legend(series.map(s => s.name)), h('small', {}, [c.axis_config?.y_label, c.axis_config?.x_label].filter(Boolean).join(' by ')));
  return fig;
}

// ---- rich text

function rich(e, ctx) {
  switch (e.type) {
    case 'rich_text_list': return h(e.style === 'ordered' ? 'ol' : 'ul', { class: 'indent' + (e.indent || 0) + (e.border ? ' bordered' : ''), start: e.style === 'ordered' ? (e.offset || 0) + 1 : null }, (e.elements || []).map(s => h('li', {}, leaves(s, ctx))));
    case 'rich_text_quote': return h('blockquote', {}, leaves(e, ctx));
    case 'rich_text_preformatted': return h('pre', {}, leaves(e, ctx));
    case 'rich_text_section': return h('div', { class: 'rich-sec' }, leaves(e, ctx));
    default: return h('span', { class: 'unknown' }, 'Unknown rich text: ' + e.type);
  }
}
const leaves = (s, ctx) => (s.elements || []).map(e => styled(rleaf(e, ctx), e.style));
function rleaf(e, ctx) {
  switch (e.type) {
    case 'text': return plain(e.text || '', false);
    case 'link': return link(e.url, e.text || e.url, ctx);
    case 'user': return person(e.user_id, ctx);
    case 'usergroup': return broadcast(e.usergroup_id);
    case 'broadcast': return broadcast(e.range);
    case 'channel': return h('span', { class: 'mention' }, '#' + (ctx.channels.get(e.channel_id) || e.channel_id));
    case 'emoji': return h('span', { class: 'emoji' }, emojiOf(e.name) || ':' + e.name + ':');
    case 'date': return h('time', {}, formatDate(e.timestamp, e.format, ctx));
    case 'color': return h('code', {}, e.value);
    case 'team': return h('span', { class: 'mention' }, e.team_id);
    default: return h('span', { class: 'unknown' }, 'Unknown: ' + e.type);
  }
}
function styled(node, st) {
  if (!st) return node;
  for (const [k, tag] of [['code', 'code'], ['strike', 's'], ['underline', 'u'], ['highlight', 'mark'], ['italic', 'i'], ['bold', 'b']]) if (st[k]) node = h(tag, {}, node);
  return node;
}

// ---- elements

const word = t => (t ? raw(t) : '');
const opt = (o, group) => ({ text: word(o.text), value: o.value, description: word(o.description), group });
const flat = el => (el.option_groups ? el.option_groups.flatMap(g => (g.options || []).map(o => opt(o, word(g.label)))) : (el.options || []).map(o => opt(o)));

function input(b, ctx) {
  const el = b.element || {};
  const label = h('label', { class: 'in-label' }, text(b.label, ctx), b.optional ? h('span', { class: 'in-opt' }, ' (optional)') : null);
  const control = element(el, b, ctx, { label: raw(b.label) });
  const focusable = control.matches?.('input,textarea') ? control : control.querySelector?.('input,textarea');
  if (focusable && !/radio|checkbox/.test(focusable.type)) {
    focusable.id ||= 'i' + Math.random().toString(36).slice(2);
    label.htmlFor = focusable.id;
    if (!b.optional) focusable.setAttribute('aria-required', 'true');
  }
  return h('div', { class: 'in' }, label, control, h('div', { class: 'in-err', role: 'alert' }), b.hint ? h('div', { class: 'in-hint' }, text(b.hint, ctx)) : null);
}

function element(el, b, ctx, how = {}) {
  const draw = Object.hasOwn(kinds, el.type) ? kinds[el.type] : null;
  const node = draw ? draw(el, b, ctx, how) : h('span', { class: 'unknown' }, 'Unknown element: ' + el.type);
  if (el.action_id && node.dataset) node.dataset.action = el.action_id;
  return node;
}

// use asks first where the element says so, and marks what is under way.
async function use(node, b, el, ctx, value) {
  if (el.confirm && !(await ctx.confirm(el.confirm))) return;
  node.classList?.add('busy');
  node.setAttribute?.('aria-busy', 'true');
  try {
    await ctx.press(b, el, value);
  } finally {
    node.classList?.remove('busy');
    node.removeAttribute?.('aria-busy');
  }
}

function button(el, b, ctx) {
  const node = h('button', { type: 'button', class: 'btn' + (el.style === 'primary' ? ' pri' : el.style === 'danger' ? ' dan' : ''), 'aria-label': el.accessibility_label, onclick: async e => {
    if (node.classList.contains('busy')) return;
    await use(node, b, el, ctx, null);
    if (el.url) ctx.open(e, el.url, true);
  } }, plain(word(el.text)), el.url ? h('span', { class: 'ext', 'aria-hidden': 'true' }, '↗') : null);
  return node;
}

function choose(el, b, ctx, how, more) {
  const st = ctx.state(b.block_id, el.action_id);
  const multi = el.type.startsWith('multi_');
  const node = pick({
    label: how.label || word(el.placeholder) || el.action_id, placeholder: word(el.placeholder) || 'Choose', multi, max: el.max_selected_items, compact: how.compact,
    change: have => use(node, b, el, ctx, multi ? have.map(o => o.value) : have[0]?.value), ...more(st, multi),
  });
  return node;
}
const chosenOptions = (el, st, multi) => (st ? (multi ? st.selected_options || [] : [st.selected_option]) : multi ? el.initial_options || [] : [el.initial_option]).filter(Boolean).map(o => opt(o));
const statics = (el, b, ctx, how) => choose(el, b, ctx, how, (st, multi) => ({ chosen: chosenOptions(el, st, multi), options: flat(el) }));
const externals = (el, b, ctx, how) => choose(el, b, ctx, how, (st, multi) => ({ chosen: chosenOptions(el, st, multi), min: el.min_query_length ?? 3, options: typed => ctx.suggest(b, el, typed) }));
const ids = (all, one, many, initialOne, initialMany) => (el, b, ctx, how) => choose(el, b, ctx, how, (st, multi) => {
  const options = all(ctx);
  const have = st ? (multi ? st[many] : [st[one]]) : multi ? el[initialMany] : [el[initialOne]];
  return { options, chosen: (have || []).filter(Boolean).map(v => options.find(o => o.value === v) || { text: v, value: v }) };
});
const peopleOf = ctx => [...ctx.people.values()].filter(p => !p.deleted).map(p => ({ text: p.name, value: p.id, description: p.title }));
const channelsOf = ctx => [...ctx.channels].map(([id, name]) => ({ text: '#' + name, value: id }));
const users = ids(peopleOf, 'selected_user', 'selected_users', 'initial_user', 'initial_users');
const chans = ids(channelsOf, 'selected_channel', 'selected_channels', 'initial_channel', 'initial_channels');
const convs = ids(channelsOf, 'selected_conversation', 'selected_conversations', 'initial_conversation', 'initial_conversations');

function radios(el, b, ctx, how, type, state, initial) {
  const st = ctx.state(b.block_id, el.action_id);
  const have = new Set((st ? [].concat(st[state] || []) : [].concat(el[initial] || [])).map(o => o.value));
  const name = 'r' + Math.random().toString(36).slice(2);
  const node = h('div', { class: 'choices', role: type === 'radio' ? 'radiogroup' : 'group', 'aria-label': how.label || el.action_id }, (el.options || []).map(o => h('label', { class: 'choice' },
    h('input', { type, name, checked: have.has(o.value), onchange: e => {
      if (type === 'radio') return use(node, b, el, ctx, o.value);
      e.target.checked ? have.add(o.value) : have.delete(o.value);
      use(node, b, el, ctx, (el.options || []).map(x => x.value).filter(v => have.has(v)));
    } }), h('span', {}, text(o.text, ctx), o.description ? h('small', {}, text(o.description, ctx)) : null))));
  return node;
}

function typed(el, b, ctx, how, props) {
  const st = ctx.state(b.block_id, el.action_id);
  const value = st ? st.value ?? '' : el.initial_value || '';
  const tag = el.multiline ? 'textarea' : 'input';
  const left = el.max_length ? h('span', { class: 'in-left' }) : null;
  let timer = 0;
  const cfg = el.dispatch_action_config?.trigger_actions_on || ['on_enter_pressed'];
  const node = h(tag, { class: 'field-in', 'aria-label': how.label || el.action_id, placeholder: word(el.placeholder), autocomplete: 'off', rows: el.multiline ? 4 : null, ...props,
    oninput: () => {
      count();
      clearTimeout(timer);
      node.flush = () => { clearTimeout(timer); node.flush = null; return ctx.fill(b, el, node.value === '' ? null : node.value); };
      timer = setTimeout(() => node.flush && node.flush(), 250);
      if (b.dispatch_action && cfg.includes('on_character_entered')) ctx.press(b, el, node.value);
    },
    onblur: () => node.flush && node.flush(),
    onkeydown: e => {
      if (e.key !== 'Enter' || e.isComposing || el.multiline) return;
      if (b.dispatch_action && cfg.includes('on_enter_pressed')) { e.preventDefault(); e.stopPropagation(); ctx.press(b, el, node.value); }
    } });
  node.value = value;
  const count = () => { if (left) { const n = el.max_length - [...node.value].length; left.textContent = n < 100 || n < el.max_length / 5 ? String(n) : ''; left.classList.toggle('over', n < 0); } };
  count();
  if (el.focus_on_load) node.dataset.focus = '1';
  return left ? h('div', { class: 'in-wrap' }, node, left) : node;
}

function dates(el, b, ctx, how, type, key, initial, out, into) {
  const st = ctx.state(b.block_id, el.action_id);
  const have = st ? st[key] : el[initial];
  const node = h('input', { type, class: 'field-in date', 'aria-label': how.label || word(el.placeholder) || el.action_id, onchange: () => use(node, b, el, ctx, node.value ? out(node.value) : null) });
  node.value = have === null || have === undefined ? '' : into(have);
  return node;
}
const same = v => v;

const kinds = {
  button, workflow_button: button,
  icon_button: (el, b, ctx) => button({ ...el, text: el.text }, b, ctx),
  feedback_buttons: (el, b, ctx) => h('span', { class: 'feedback' }, ['positive_button', 'negative_button'].map(k => { const n = h('button', { type: 'button', class: 'btn', 'aria-label': el[k].accessibility_label, onclick: () => use(n, b, el, ctx, el[k].value) }, plain(word(el[k].text))); return n; })),
  image: el => image(el, 'acc-img'),
  overflow: (el, b, ctx) => {
    const node = h('button', { type: 'button', class: 'btn more', 'aria-label': 'More actions', 'aria-haspopup': 'menu', 'aria-expanded': 'false', onclick: () => menu(node, (el.options || []).map(o => ({ text: word(o.text), note: word(o.description), run: async () => { await use(node, b, el, ctx, o.value); if (o.url) ctx.open(null, o.url, true); } })), { label: 'More actions' }) }, icon('more'));
    return node;
  },
  static_select: statics, multi_static_select: statics, external_select: externals, multi_external_select: externals,
  users_select: users, multi_users_select: users, channels_select: chans, multi_channels_select: chans, conversations_select: convs, multi_conversations_select: convs,
  radio_buttons: (el, b, ctx, how) => radios(el, b, ctx, how, 'radio', 'selected_option', 'initial_option'),
  checkboxes: (el, b, ctx, how) => radios(el, b, ctx, how, 'checkbox', 'selected_options', 'initial_options'),
  datepicker: (el, b, ctx, how) => dates(el, b, ctx, how, 'date', 'selected_date', 'initial_date', same, same),
  timepicker: (el, b, ctx, how) => dates(el, b, ctx, how, 'time', 'selected_time', 'initial_time', same, same),
  datetimepicker: (el, b, ctx, how) => dates(el, b, ctx, how, 'datetime-local', 'selected_date_time', 'initial_date_time', v => String(Math.round(Date.parse(v + 'Z') / 1000)), v => new Date(v * 1000).toISOString().slice(0, 16)),
  plain_text_input: (el, b, ctx, how) => typed(el, b, ctx, how, { type: el.multiline ? null : 'text' }),
  email_text_input: (el, b, ctx, how) => typed(el, b, ctx, how, { type: 'text', inputmode: 'email' }),
  url_text_input: (el, b, ctx, how) => typed(el, b, ctx, how, { type: 'text', inputmode: 'url' }),
  number_input: (el, b, ctx, how) => typed(el, b, ctx, how, { type: 'text', inputmode: el.is_decimal_allowed ? 'decimal' : 'numeric' }),
  rich_text_input: (el, b, ctx, how) => typed({ ...el, multiline: true, initial_value: '' }, b, ctx, how, {}),
  file_input: () => h('div', { class: 'boxed' }, 'File inputs are not part of the sandbox: drop the file into the conversation.'),
};
