// Small helpers for building elements. Text always goes in as text, never as HTML.

export function h(tag, props, ...kids) {
  const el = document.createElement(tag);
  for (const [k, v] of Object.entries(props || {})) {
    if (v === undefined || v === null || v === false) continue;
    if (k === 'class') el.className = v;
    else if (k.startsWith('on')) el.addEventListener(k.slice(2), v);
    else if (k in el && typeof v !== 'string') el[k] = v;
    else el.setAttribute(k, v === true ? '' : v);
  }
  el.append(...kids.flat(3).filter(k => k !== null && k !== undefined && k !== false));
  return el;
}

const SVG = 'http://www.w3.org/2000/svg';
export function svg(tag, props, ...kids) {
  const el = document.createElementNS(SVG, tag);
  for (const [k, v] of Object.entries(props || {})) if (v !== undefined && v !== null) el.setAttribute(k, v);
  el.append(...kids.flat());
  return el;
}

const paths = {
  more: 'M4 8h.01M8 8h.01M12 8h.01', reply: 'M6.5 4 3 7.5 6.5 11M3 7.5h6a4 4 0 0 1 4 4v.5', clip: 'M13 7.5 8 12.4a3.2 3.2 0 0 1-4.5-4.6l5-4.9a2.1 2.1 0 0 1 3 3L6.700 10.700a1 1 0 0 1-1.500-1.500L9.500 5',
  close: 'm4 4 8 8m0-8-8 8', back: 'M10 3 5 8l5 5', down: 'm4 6 4 4 4-4', eye: 'M1.500 8S4 3.500 8 3.500 14.500 8 14.500 8 12 12.500 8 12.500 1.500 8 1.500 8Zm6.500 2a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z',
  send: 'M13 3v4a2 2 0 0 1-2 2H3.500m3-3-3 3 3 3', check: 'm3.500 8.500 3 3 6-7', moon: 'M13 9.500A5.500 5.500 0 1 1 6.500 3 4.500 4.500 0 0 0 13 9.500Z', file: 'M4 2.500h5l3 3v8H4zM9 2.500v3h3', search: 'M7 11.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9Zm3.200-1.300 3.300 3.300',
  quote: 'M3 12.500v-5a4 4 0 0 1 3-4m3 9v-5a4 4 0 0 1 3-4',
};
export function icon(name) {
  return svg('svg', { viewBox: '0 0 16 16', class: 'icon', 'aria-hidden': 'true' }, svg('path', { d: paths[name] }));
}

// menu shows choices below an anchor and returns nothing; picking calls the item's run.
export function menu(anchor, items, { label = 'Menu', align = 'left' } = {}) {
  closeMenu();
  const before = document.activeElement;
  const list = h('div', { class: 'menu', role: 'menu', 'aria-label': label });
  const done = refocus => {
    list.remove();
    document.removeEventListener('pointerdown', outside, true);
    anchor.setAttribute('aria-expanded', 'false');
    if (refocus) (before && before.isConnected ? before : anchor).focus();
    current = null;
  };
  const outside = e => { if (!list.contains(e.target) && !anchor.contains(e.target)) done(false); };
  for (const it of items) {
    if (it.head) { list.append(h('div', { class: 'menu-head' }, it.head)); continue; }
    list.append(h('button', { class: 'menu-item' + (it.danger ? ' danger' : ''), role: it.on === undefined ? 'menuitem' : 'menuitemradio', type: 'button', tabindex: '-1', 'aria-checked': it.on === undefined ? null : String(it.on), onclick: () => { done(true); it.run(); } },
      it.lead, h('span', { class: 'menu-text' }, it.text, it.note ? h('small', {}, it.note) : null), it.tail));
  }
  let typed = '', forget = 0;
  list.addEventListener('keydown', e => {
    const all = [...list.querySelectorAll('button')];
    const at = all.indexOf(document.activeElement);
    const go = n => { all[(n + all.length) % all.length].focus(); e.preventDefault(); };
    if (e.key === 'ArrowDown') go(at + 1);
    else if (e.key === 'ArrowUp') go(at - 1);
    else if (e.key === 'Home') go(0);
    else if (e.key === 'End') go(-1);
    else if (e.key === 'Escape') { done(true); e.stopPropagation(); }
    else if (e.key === 'Tab') done(false);
    else if (e.key.length === 1 && e.key !== ' ') { // type ahead
      clearTimeout(forget);
      forget = setTimeout(() => { typed = ''; }, 700);
      typed += e.key.toLowerCase();
      const starts = b => b.querySelector('.menu-text').textContent.toLowerCase().startsWith(typed);
      const m = typed.length === 1 ? [...all.slice(at + 1), ...all.slice(0, at + 1)].find(starts) : all.find(starts);
      if (m) go(all.indexOf(m));
    }
  });
  document.body.append(list);
  place(list, anchor, align);
  document.addEventListener('pointerdown', outside, true);
  anchor.setAttribute('aria-expanded', 'true');
  (list.querySelector('[aria-checked=true]') || list.querySelector('button'))?.focus();
  current = done;
}
let current = null;
export function closeMenu() { if (current) current(false); }

// place puts a floating box under an anchor, or above it where there is no room.
export function place(box, anchor, align = 'left') {
  const a = anchor.getBoundingClientRect();
  const w = box.offsetWidth, hh = box.offsetHeight;
  let x = align === 'right' ? a.right - w : a.left;
  let y = a.bottom + 4;
  if (y + hh > innerHeight - 8) y = Math.max(8, a.top - hh - 4);
  x = Math.max(8, Math.min(x, innerWidth - w - 8));
  box.style.left = x + 'px';
  box.style.top = y + 'px';
}

export const initials = name => name.split(/\s+/).map(w => w[0] || '').join('').slice(0, 2).toUpperCase();
// tint is one of eight avatar colours: by place in the cast, else fixed for an id.
export const order = new Map();
export function tint(id) {
  let n = order.get(id);
  if (n === undefined) {
    n = 0;
    for (const c of id) n = (n * 31 + c.charCodeAt(0)) >>> 0;
  }
  return 'c' + n % 8;
}
