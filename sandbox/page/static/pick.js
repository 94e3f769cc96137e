// The one control behind every kind of select: a field that opens a list, filters it
// as one types, and for external selects asks the app for its options.
import { h, icon, place } from './dom.js';

// pick makes the control. Its options are {text, value, description, group}.
//   label, placeholder   what a screen reader says, what an empty field shows
//   multi, max           several choices, at most max
//   chosen               options chosen at first
//   options              a list, or (typed) => Promise of one
//   min                  shortest text worth asking for, when options is a function
//   change               called with the chosen options
export function pick({ label, placeholder, multi, max, chosen, options, min = 0, change, compact }) {
  let have = chosen.slice(), shown = [], at = -1, asked = 0, timer = 0;
  const id = 'p' + Math.random().toString(36).slice(2);
  const input = h('input', { type: 'text', role: 'combobox', autocomplete: 'off', spellcheck: 'false', 'aria-label': label, 'aria-expanded': 'false', 'aria-autocomplete': 'list', 'aria-controls': id });
  const chips = h('span', { class: 'pick-chips' });
  const box = h('div', { class: 'pick' + (compact ? ' compact' : '') + (multi ? ' multi' : ''), onmousedown: e => { if (e.target !== input && !e.target.closest('button')) { e.preventDefault(); input.focus(); open(); } } }, chips, input, icon('down'));
  const list = h('div', { class: 'pick-list', role: 'listbox', id, 'aria-label': label });

  const show = () => {
    chips.replaceChildren();
    if (multi) {
      for (const o of have) chips.append(h('span', { class: 'pick-chip' }, o.text, h('button', { type: 'button', 'aria-label': 'Remove ' + o.text, onclick: () => { have = have.filter(x => x !== o); show(); change(have); input.focus(); } }, icon('close'))));
      input.value = '';
      input.placeholder = have.length ? '' : placeholder;
    } else {
      input.value = have[0] ? have[0].text : '';
      input.placeholder = placeholder;
      box.classList.toggle('set', !!have[0]);
    }
    if (compact) input.size = Math.max(6, Math.min(30, (input.value || input.placeholder).length));
  };
  const isOpen = () => list.isConnected;
  const open = () => { if (!isOpen()) { document.body.append(list); input.setAttribute('aria-expanded', 'true'); addEventListener('scroll', follow, true); } load(''); };
  const follow = () => { list.style.minWidth = Math.max(220, box.offsetWidth) + 'px'; place(list, box); };
  const close = () => { list.remove(); removeEventListener('scroll', follow, true); input.setAttribute('aria-expanded', 'false'); at = -1; show(); };
  const say = text => { shown = []; list.replaceChildren(h('div', { class: 'pick-note' }, text)); follow(); };

  async function load(typed) {
    const n = ++asked;
    if (typeof options === 'function') {
      if (typed.length < min) { say(min > 1 ? `Type ${min} letters to search` : 'Type to search'); return; }
      if (!shown.length) say('Searching…');
      try {
        const got = await options(typed);
        if (n === asked && isOpen()) draw(got, typed);
      } catch (e) {
        if (n === asked && isOpen()) say(e.message);
      }
      return;
    }
    const q = typed.trim().toLowerCase();
    draw(options.filter(o => !q || o.text.toLowerCase().includes(q) || (o.description || '').toLowerCase().includes(q)), typed);
  }
  function draw(opts) {
    list.replaceChildren();
    shown = opts;
    let group = '';
    opts.forEach((o, i) => {
      if (o.group && o.group !== group) list.append(h('div', { class: 'menu-head' }, (group = o.group)));
      const on = have.some(x => x.value === o.value);
      list.append(h('div', { class: 'pick-option', role: 'option', id: id + i, 'aria-selected': String(on), onmousedown: e => { e.preventDefault(); choose(o); } },
        h('span', { class: 'menu-text' }, o.text, o.description ? h('small', {}, o.description) : null), on ? icon('check') : null));
    });
    if (!opts.length) say('No results');
    move(opts.findIndex(o => have.some(x => x.value === o.value)));
    follow();
  }
  function move(n) {
    const rows = list.querySelectorAll('[role=option]');
    rows[at]?.classList.remove('at');
    at = n;
    rows[at]?.classList.add('at');
    rows[at]?.scrollIntoView({ block: 'nearest' });
    if (rows[at]) input.setAttribute('aria-activedescendant', rows[at].id); else input.removeAttribute('aria-activedescendant');
  }
  function choose(o) {
    if (multi) {
      const on = have.some(x => x.value === o.value);
      if (!on && max && have.length >= max) return say(`At most ${max} can be chosen`);
      have = on ? have.filter(x => x.value !== o.value) : [...have, o];
      show();
      load('');
    } else {
      have = [o];
      close();
    }
    change(have);
  }
  input.addEventListener('focus', () => { if (!multi) input.select(); });
  input.addEventListener('input', () => {
    if (!isOpen()) { document.body.append(list); input.setAttribute('aria-expanded', 'true'); addEventListener('scroll', follow, true); }
    clearTimeout(timer);
    timer = setTimeout(() => load(input.value), typeof options === 'function' ? 180 : 0);
  });
  input.addEventListener('keypress', e => { if (e.key === 'Enter') e.preventDefault(); }); // never submits the form around it
  input.addEventListener('blur', () => { if (isOpen()) close(); else show(); });
  input.addEventListener('keydown', e => {
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      e.preventDefault();
      if (!isOpen()) return open();
      if (shown.length) move((at + (e.key === 'ArrowDown' ? 1 : -1) + shown.length) % shown.length);
    } else if (e.key === 'Enter') {
      e.preventDefault();
      if (!isOpen()) return open();
      if (at < 0 && shown.length === 1) at = 0;
      if (shown[at]) choose(shown[at]);
    } else if (e.key === 'Escape' && isOpen()) { e.stopPropagation(); close(); }
    else if (e.key === 'Backspace' && multi && !input.value && have.length) { have = have.slice(0, -1); show(); change(have); }
  });
  // A click on selected text clears the selection last of all, so this waits for it.
  function selectAll() {
    const was = input.value;
    setTimeout(() => { if (input.value === was) input.select(); });
  }
  input.addEventListener('click', () => { if (!isOpen()) { open(); if (!multi && input.value) selectAll();  } });
  show();
  box.clear = () => { have = []; show(); };
  return box;
}
