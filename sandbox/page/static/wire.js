// Talking to the sandbox: fetches, acts, the event stream, and what they bring.
import { h } from './dom.js';

export async function get(path) {
  const r = await fetch(path);
  if (!r.ok) throw new Error((await r.text()).trim());
  return r.json();
}

export async function post(path, body) {
  const form = body instanceof FormData;
  let r;
  try {
    r = await fetch(path, { method: 'POST', headers: form ? {} : { 'Content-Type': 'application/json' }, body: form ? body : JSON.stringify(body) });
  } catch {
    return { error: 'The sandbox does not answer. Is it still running?' };
  }
  if (!r.ok) return { error: (await r.text()).trim() };
  return r.json();
}

export function toast(text, kind = '') {
  if (!text) return;
  if (kind === 'good') document.querySelectorAll('.toast.good').forEach(old => old.remove());
  const el = h('div', { class: 'toast ' + kind }, text);
  document.getElementById('toasts').append(el);
  setTimeout(() => el.remove(), Math.max(5000, text.length * 70));
}

// report shows what went wrong with an act and says whether all went well.
export function report(out) {
  toast(out.error || out.text || '', 'bad');
  return !out.error && !out.text;
}

// open is for links: those on this computer open, others are only named.
export function openLink(e, url, byHand) {
  let u;
  try { u = new URL(url); } catch { return; }
  const local = ['127.0.0.1', 'localhost', '[::1]'].includes(u.hostname);
  if (!local) {
    e?.preventDefault();
    toast('This would open ' + url);
    return;
  }
  if (byHand) window.open(url, '_blank', 'noopener');
}

// latest runs f again if asked while it runs, never twice at once.
export function latest(f) {
  let running = false, again = false;
  return async function run() {
    if (running) { again = true; return; }
    running = true;
    try {
      do { again = false; await f(); } while (again);
    } catch (e) {
      console.warn(e);
    } finally {
      running = false;
    }
  };
}
