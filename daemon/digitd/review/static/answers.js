// What the person says: accepted, skipped, taken back.
"use strict";

function keep() { current.texts[current.page] = cleaned(field.value); }

function cleaned(text) {
  return text.split("\n").map((line) => line.replace(/[^0-9?]/g, "")).filter(Boolean).join("\n");
}

function accept() {
  if (!current) return;
  if (field.value === field.defaultValue && field.value.includes("?") && !current.warned) {
    // Enter is soon pressed: what digitd could not read is not accepted without another look.
    current.warned = true;
    const at = field.value.indexOf("?"), lines = field.value.slice(0, at).split("\n").length - 1;
    if (matches()) { chosen = at - lines; doubt(); reveal(sheet().marks[chosen].box); }
    field.setSelectionRange(at, at + 1);
    note("Type the digit for “?” – or Enter once more, if nobody can read it.");
    return;
  }
  keep();
  if (current.page + 1 < current.card.sheets.length) { turnPage(1); return; }
  answer("text", current.texts);
}

function none() {
  field.value = "";
  keep();
  if (current.page + 1 < current.card.sheets.length) { turnPage(1); return; }
  if (current.texts.some(Boolean)) answer("text", current.texts); else answer("no_digits", []);
}

function answer(kind, texts) {
  const { card } = current, by = $("by").value.trim();
  const now = performance.now();
  if (now - began < PAUSE) times.push(now - began);
  unsent.push({
    path: "/desk/decide", key: card.key, name: card.name, card, counts: true,
    body: { key: card.key, kind, texts: texts.slice(), by: by || null },
  });
  next();
  send();
}

function skip() {
  if (!current) return;
  unsent.push({ path: "/desk/skip", key: current.card.key, name: current.card.name, body: { key: current.card.key } });
  exhausted = false;
  next();
  send();
}

async function undo() {
  while (unsent.length && $("unsent").hidden) await new Promise((go) => setTimeout(go, 20));
  if (unsent.length) { note("Not while there is no connection.", true); return; }
  try {
    const { ok, answer, status } = await ask("/desk/undo", {});
    if (!ok) { connected(false, status, answer.cause); return; }
    figures(answer.figures);
    if (!answer.items.length) { note("There is nothing to take back, or it is being published just now."); return; }
    const [card] = answer.items;
    queue = queue.filter((entry) => entry.card.key !== card.key);
    if (current?.card.key !== card.key) putBack();
    current = prepared(card);
    tally(-1);
    show();
    note(card.status === "verified" ? "It was published already: another answer corrects it." : "Taken back.");
  } catch {
    connected(false);
  }
}

function tally(step) {
  done = Math.max(0, done + step);
  $("done").textContent = done;
  if (times.length) {
    const sorted = times.slice(-50).sort((a, b) => a - b);
    $("pace").textContent = (sorted[Math.floor(sorted.length / 2)] / 1000).toFixed(1);
  }
}

function figures(now) { $("left").textContent = now.left.toLocaleString("en"); }

function turnPage(step) {
  keep();
  const page = current.page + step;
  if (page < 0) return;
  if (page >= current.card.sheets.length) {
    if (current.card.open) further();
    return;
  }
  current.page = page;
  showPage();
}

async function further() {
  // A scan that could not be read may have more pages than anybody knows.
  const entry = current, last = entry.card.sheets.at(-1), page = last.page + 1;
  const at = (address) => address.replace(/\/\d+\/(\w+)$/, `/${page}/$1`);
  entry.card.sheets.push({ ...last, page, width: 0, height: 0, text: "", marks: [], picture: at(last.picture), full: at(last.full) });
  const is = await image(entry, page - 1).ready;
  if (!is) {
    entry.card.sheets.pop();
    entry.images.get(page - 1)?.remove();
    entry.images.delete(page - 1);
    if (entry === current) note("There is no further page.");
    return;
  }
  entry.texts.push("");
  if (entry === current) turnPage(1);
}
