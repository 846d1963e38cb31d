// Keys and buttons, and how the desk begins and ends. Loaded last: it starts everything.
"use strict";

const COMMANDS = {
  none, skip, undo, unreadable: () => answer("unreadable", []),
  in: () => zoom(ZOOM_STEP), out: () => zoom(1 / ZOOM_STEP), fit: () => fit(!view.region),
  rotate: () => rotate(90), back: () => rotate(-90), keys: () => $("keys").showModal(),
  boxes: () => paper.classList.toggle("bare"), invert: () => paper.classList.toggle("inverted"),
};
const KEYS = { n: "none", u: "unreadable", f: "fit", r: "rotate", R: "back", b: "boxes", i: "invert", "?": "keys", "+": "in", "=": "in", "-": "out", _: "out" };
const NEEDS_ITEM = new Set(["none", "unreadable", "skip", "in", "out", "fit", "rotate", "back", "boxes", "invert"]);

function command(name) {
  if (NEEDS_ITEM.has(name) && !current) return;
  COMMANDS[name]();
}

function inField(event) {
  // With the capitals locked, letters are still the same keys.
  const key = event.shiftKey ? event.key : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key.startsWith("Arrow") && event.shiftKey) {
    const step = Math.min(stage.clientWidth, stage.clientHeight) / 4;
    pan({ ArrowLeft: -step, ArrowRight: step }[key] ?? 0, { ArrowUp: -step, ArrowDown: step }[key] ?? 0);
    return true;
  }
  if (key === "ArrowLeft" || key === "ArrowRight") return choose(key === "ArrowLeft" ? -1 : 1);
  if (key === "PageDown" || key === "PageUp") { turnPage(key === "PageDown" ? 1 : -1); return true; }
  if (key === "Enter" && !event.shiftKey) { if (!event.repeat) accept(); return true; }
  if (key === "x") { type("?"); return true; }
  const place = ALTERNATIVES.indexOf(key.toLowerCase());
  if (place >= 0) { exchange(place); return true; }
  if (KEYS[key]) { command(KEYS[key]); return true; }
  // Digits are typed; of other signs none is.
  return key.length === 1 && !/[0-9]/.test(key);
}

document.addEventListener("keydown", (event) => {
  if ($("keys").open || event.isComposing) return;
  pressed = event.timeStamp;
  const modified = event.ctrlKey || event.metaKey || event.altKey;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !event.shiftKey && !event.altKey) {
    // What was typed since is the field's own to undo.
    const typed = event.target === field && current && field.value !== field.defaultValue;
    if (!typed && event.target !== $("by")) { event.preventDefault(); undo(); }
  } else if (event.key === "Escape" && !modified) {
    event.preventDefault();
    if (event.target === $("by")) field.focus(); else if (!event.repeat) skip();
  } else if (!modified && current && event.key !== "Tab" && (event.target === field || event.target === document.body)) {
    // Where nothing has the focus, as after a click beside everything, keys go to the field.
    field.focus({ preventScroll: true });
    if (inField(event)) event.preventDefault();
  } else if (!modified && event.key === "?" && event.target !== $("by")) {
    event.preventDefault();
    command("keys");
  }
});

function plain(text) {
  // Full-width digits, as input methods of East Asia write them, are digits.
  return text.replace(/[\uff10-\uff19\uff1f]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - 0xfee0));
}

function typed(event) {
  // What an input method has not finished is its own: changed under its hands, it would begin anew.
  if (event.isComposing) return;
  // What is pasted or dictated, too, is digits alone.
  const at = field.selectionStart, digits = plain(field.value).replace(/[^0-9?\n]/g, "");
  if (digits !== field.value) {
    const gone = plain(field.value.slice(0, at)).replace(/[0-9?\n]/g, "").length;
    field.value = digits;
    field.setSelectionRange(at - gone, at - gone);
  }
  field.rows = Math.min(6, field.value.split("\n").length);
  // The next digit is the one to type over.
  const followed = chosen !== null && matches();
  if (followed && field.selectionStart === offset(chosen) + 1 && chosen + 1 < sheet().marks.length) choose(1);
  else if (!followed && chosen !== null) { chosen = null; doubt(); }
}
field.addEventListener("input", typed);
field.addEventListener("compositionend", typed);
$("panel").addEventListener("submit", (event) => { event.preventDefault(); accept(); });
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (!button) return;
  pressed = event.timeStamp;
  command(button.dataset.do);
  if (current && !$("keys").open) field.focus({ preventScroll: true });
});
$("keys").addEventListener("close", () => { if (current) field.focus(); });
$("by").addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); field.focus(); } });
$("by").addEventListener("change", () => localStorage.setItem("digitd-by", $("by").value.trim()));

stage.addEventListener("wheel", (event) => {
  if (!current) return;
  event.preventDefault();
  zoom(event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP);
}, { passive: false });
stage.addEventListener("pointerdown", (event) => {
  if (!current || event.button !== 0) return;
  stage.setPointerCapture(event.pointerId);
  stage.classList.add("dragged");
  event.preventDefault();
});
stage.addEventListener("pointermove", (event) => {
  if (stage.classList.contains("dragged")) pan(-event.movementX, -event.movementY);
});
for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => stage.classList.remove("dragged"));
new ResizeObserver(() => { if (current && sheet().width) fit(view.region); }).observe(stage);

async function named() {
  // A page keeps its name when it is loaded again. A tab that was copied has the same storage: the lock tells them apart.
  const fresh = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const kept = sessionStorage.getItem("digitd-who");
  const taken = (name) => new Promise((is) => {
    if (!navigator.locks) { is(true); return; }
    navigator.locks.request(`digitd-${name}`, { ifAvailable: true }, (lock) => {
      is(lock !== null);
      return lock === null ? undefined : new Promise(() => {});
    });
  });
  if (kept && await taken(kept)) return kept;
  const name = fresh();
  await taken(name);
  sessionStorage.setItem("digitd-who", name);
  return name;
}

async function begin() {
  $("by").value = localStorage.getItem("digitd-by") ?? "";
  who = await named();
  const wanted = new URLSearchParams(location.search).get("item");
  if (wanted) {
    history.replaceState(null, "", location.pathname);
    const { ok, answer } = await ask("/desk/take", { key: wanted });
    if (ok) { current = prepared(answer.items[0]); figures(answer.figures); show(); }
    else note(answer.cause ?? "The item cannot be had.", true);
  }
  await refill();
  setInterval(() => { if (current || queue.length) ask("/desk/renew", {}).catch(() => {}); }, leaseMs / 3);
}

addEventListener("pagehide", () => {
  if (!unsent.length) navigator.sendBeacon("/desk/release", new Blob([JSON.stringify({ who })], { type: "application/json" }));
});
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
addEventListener("beforeunload", (event) => { if (unsent.length) event.preventDefault(); });
begin();
