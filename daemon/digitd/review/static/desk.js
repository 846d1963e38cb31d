// The desk: one scan after the other, by keyboard alone. No library, nothing from elsewhere, no text ever taken for HTML.
"use strict";

const AHEAD = 8; // Items that are held ready, pictures decoded: more than anybody decides while one is fetched.
const LOOK_AGAIN = 3000; // ms between two looks for work when there is none.
const RETRY_MOST = 8000; // ms between two tries to send, at most.
const MOMENT = 250; // ms without a scan that are no matter.
const NOTE = 4000; // ms that a remark is shown.
const PAUSE = 60000; // ms: longer than this nobody looks at one scan, they were away.
const UP_MOST = 8; // Screen pixels that a page's pixel may take where the whole page is shown.
const ZOOM_STEP = 1.35;
const LEGIBLE = 22; // Screen pixels of a digit below which the digits are shown, not the whole page.
const MARGIN = 44; // Screen pixels around what is fitted: room for the labels of boxes.
const ALTERNATIVES = ["a", "s", "d"];
const SVG = "http://www.w3.org/2000/svg";

const $ = (id) => document.getElementById(id);
const field = $("text"), stage = $("stage"), paper = $("paper");
const leaseMs = Number(document.body.dataset.lease) * 1000;

let who = "";
let current = null; // {card, images: Map of page -> <img>, texts, page, at}
let queue = []; // what comes next, likewise
let unsent = []; // {path, body, key, entry, done}: answers on their way, in order
let sending = false, fetching = false, exhausted = false;
let chosen = null; // number of the mark that is selected
let view = { x: 0, y: 0, scale: 1, turn: 0, region: false };
let times = [], done = 0, began = 0, pressed = 0, noteTimer = 0, lookTimer = 0;

// ---- asking the server

async function ask(path, body) {
  const response = await fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ who, ...body }),
  });
  let answer = {};
  if (response.headers.get("Content-Type")?.startsWith("application/json")) answer = await response.json();
  return { ok: response.ok, status: response.status, answer };
}

function held() {
  return [current, ...queue].filter(Boolean).map((entry) => entry.card.key).concat(unsent.map((each) => each.key));
}

async function refill() {
  clearTimeout(lookTimer);
  if (fetching || queue.length >= AHEAD) return;
  fetching = true;
  let wait = LOOK_AGAIN;
  try {
    const { ok, status, answer } = await ask("/desk/next", { after: held(), count: AHEAD - queue.length });
    if (ok) {
      connected(true);
      const known = new Set(held());
      const fresh = answer.items.filter((card) => !known.has(card.key)).map(prepared);
      exhausted = fresh.length === 0;
      queue.push(...fresh);
      figures(answer.figures);
      if (!current) next();
    } else {
      connected(false, status, answer.cause);
    }
  } catch {
    connected(false);
  } finally {
    fetching = false;
  }
  if (queue.length === 0) lookTimer = setTimeout(refill, wait);
}

function prepared(card) {
  const entry = { card, images: new Map(), texts: card.sheets.map((sheet) => sheet.text), page: 0 };
  image(entry, 0);
  return entry;
}

function image(entry, page) {
  let picture = entry.images.get(page);
  if (!picture) {
    picture = new Image();
    picture.decoding = "sync";
    picture.draggable = false;
    picture.src = entry.card.sheets[page].picture;
    // In the document, though not to be seen: then it is decoded when its turn comes.
    picture.className = "ahead";
    picture.alt = "";
    picture.ready = picture.decode().then(() => true, () => false);
    entry.images.set(page, picture);
    stage.append(picture);
  }
  return picture;
}

function dropped(entry) {
  for (const picture of entry.images.values()) picture.remove();
  entry.images.clear();
}

async function send() {
  if (sending) return;
  sending = true;
  let pause = 500;
  while (unsent.length) {
    const job = unsent[0];
    try {
      const { ok, status, answer } = await ask(job.path, job.body);
      if (ok || (status >= 400 && status < 500 && status !== 403)) {
        unsent.shift();
        pause = 500;
        connected(true);
        if (answer.figures) figures(answer.figures);
        if (!ok) refused(job, status, answer.cause);
        else if (job.counts) tally(1);
        continue;
      }
      connected(false, status, answer.cause);
    } catch {
      connected(false);
    }
    await new Promise((go) => setTimeout(go, pause));
    pause = Math.min(pause * 2, RETRY_MOST);
  }
  sending = false;
  connected(true);
  if (!current && exhausted) refill();
}

function refused(job, status, cause) {
  if (status === 422) {
    // It cannot be a result: the person sees it once more.
    putBack();
    current = prepared(job.card);
    current.texts = job.body.texts.slice();
    show();
  }
  note(`${job.name}: ${cause}`, true);
}

function connected(is, status, cause) {
  const waits = unsent.length;
  const label = $("unsent");
  label.hidden = is;
  if (!is) {
    const why = status === 403 ? "This page is not allowed any more: open the address anew." : cause || "No connection.";
    label.textContent = waits ? `${why} ${waits} answer${waits > 1 ? "s" : ""} kept here.` : why;
  }
}

// ---- what is before the person

function next() {
  if (current) dropped(current);
  current = queue.shift() ?? null;
  if (current) show(); else empty();
  refill();
}

function putBack() {
  if (current) queue.unshift(current);
  current = null;
}

function empty() {
  paper.replaceChildren();
  field.value = "";
  if (!exhausted) {
    // Most likely the next ones are on their way, and here in a moment.
    setTimeout(() => { if (!current) none_left(); }, MOMENT);
  } else none_left();
}

function none_left() {
  $("work").hidden = true;
  $("empty").hidden = false;
  $("empty-title").textContent = exhausted ? "Nothing waits" : "Looking for scans…";
  $("empty-words").textContent = exhausted
    ? `${done ? `You have verified ${done} scan${done > 1 ? "s" : ""}. ` : ""}What comes is shown here at once.` : "";
  if (exhausted) say("Nothing waits.");
  // On no button: whoever accepts the last scan may well press Enter once more.
  $("empty-title").focus();
}

function sheet() { return current.card.sheets[current.page]; }

function show() {
  const { card } = current;
  $("empty").hidden = true;
  $("work").hidden = false;
  $("name").textContent = card.folder ? `${card.folder}/${card.name}` : card.name;
  $("why").textContent = card.status === "review" || card.status === "failed" ? card.reason ?? "" : card.status;
  began = performance.now();
  current.page = Math.min(current.page, card.sheets.length - 1);
  view.turn = 0;
  showPage();
}

function showPage() {
  const here = sheet(), pages = current.card.sheets.length;
  const more = current.card.open ? "" : ` of ${pages}`;
  $("which").textContent = pages > 1 || current.card.open ? `page ${here.page}${more}` : "";
  field.value = current.texts[current.page];
  field.defaultValue = field.value;
  field.rows = Math.min(6, field.value.split("\n").length);
  field.focus({ preventScroll: true });
  field.select();
  chosen = null;
  place();
  fit(null);
  doubt();
  if (pages > current.page + 1) image(current, current.page + 1);
  announce();
  measured();
}

function place() {
  const here = sheet(), picture = image(current, current.page);
  const waiting = !(picture.complete && picture.naturalWidth);
  for (const old of paper.querySelectorAll("img")) if (old !== picture) { old.className = "ahead"; stage.append(old); }
  $("gone").hidden = true;
  picture.className = "";
  picture.alt = `Scan ${current.card.name}, page ${here.page}`;
  sized(picture);
  paper.replaceChildren(picture, boxes(here));
  if (waiting) {
    const entry = current, page = current.page;
    picture.ready.then((is) => {
      if (entry !== current || page !== current.page) return;
      if (is) { sized(picture); fit(null); doubt(); } else gone();
    });
  }
}

function sized(picture) {
  const here = sheet();
  // Of a scan that could not be read nobody knows the size: then the picture's own counts.
  if (!here.width && picture.naturalWidth) { here.width = picture.naturalWidth; here.height = picture.naturalHeight; }
  paper.style.width = `${here.width || 1}px`;
  paper.style.height = `${here.height || 1}px`;
}

function gone() {
  $("gone").textContent = "There is no picture of this page: its file is gone, or cannot be decoded.";
  $("gone").hidden = false;
}

function least(here) {
  let found = null;
  here.marks.forEach((mark, number) => {
    if (found === null || mark.confidence < here.marks[found].confidence) found = number;
  });
  return found;
}

function boxes(here) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${here.width || 1} ${here.height || 1}`);
  svg.setAttribute("aria-hidden", "true");
  const doubted = least(here);
  here.marks.forEach((mark, number) => {
    const group = document.createElementNS(SVG, "g"), box = document.createElementNS(SVG, "rect");
    group.setAttribute("class", number === doubted ? "mark least" : "mark");
    const [x, y, width, height] = mark.box;
    const attributes = { x: x - 1, y: y - 1, width: width + 2, height: height + 2 };
    for (const [name, value] of Object.entries(attributes)) box.setAttribute(name, value);
    const label = document.createElementNS(SVG, "text");
    label.textContent = mark.digit;
    group.append(box, label);
    svg.append(group);
  });
  return svg;
}

function labels() {
  // Above each box as the person sees it, upright, whatever way the page is turned.
  const angle = (view.turn * Math.PI) / 180, marks = sheet().marks;
  const up = [-Math.sin(angle), -Math.cos(angle)];
  paper.querySelectorAll(".mark text").forEach((label, number) => {
    const [x, y, width, height] = marks[number].box;
    const out = (view.turn % 180 ? width : height) / 2 + 15 / view.scale;
    const at = [x + width / 2 + up[0] * out, y + height / 2 + up[1] * out];
    label.setAttribute("x", at[0]);
    label.setAttribute("y", at[1]);
    label.setAttribute("transform", `rotate(${-view.turn} ${at[0]} ${at[1]})`);
  });
}

// ---- doubt, and alternatives

function letters() { return field.value.replaceAll("\n", ""); }

function matches() { return letters().length === sheet().marks.length; }

function offset(number) {
  // Where the number-th digit stands in the field, lines counted.
  let left = number;
  for (let at = 0; at < field.value.length; at++) {
    if (field.value[at] === "\n") continue;
    if (left-- === 0) return at;
  }
  return field.value.length;
}

function doubt() {
  const here = sheet(), number = chosen ?? least(here), words = $("doubt-words");
  $("doubt").hidden = number === null;
  paper.querySelectorAll(".mark").forEach((mark, place) => mark.classList.toggle("chosen", place === chosen));
  words.replaceChildren();
  $("others").replaceChildren();
  if (number === null) return;
  const mark = here.marks[number];
  const digit = document.createElement("b");
  digit.textContent = mark.digit;
  const which = here.marks.length > 1 ? `${ordinal(number + 1)} of ${here.marks.length}, ` : "";
  const begins = number === least(here) ? (here.marks.length > 1 ? "Least sure: " : "Read as ") : "";
  words.append(begins, digit, ` (${which}${percent(mark.confidence)})${mark.others.length ? ", may be" : ""}`);
  mark.others.slice(0, ALTERNATIVES.length).forEach((other, place) => {
    const button = document.createElement("button"), key = document.createElement("kbd");
    const other_digit = document.createElement("b");
    other_digit.textContent = other.digit;
    key.textContent = ALTERNATIVES[place].toUpperCase();
    button.type = "button";
    button.append(other_digit, ` ${percent(other.confidence)} `, key);
    button.addEventListener("click", () => exchange(place));
    $("others").append(button);
  });
  crop(mark);
}

function crop(mark) {
  const canvas = $("crop"), picture = image(current, current.page), here = sheet();
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  if (!picture.naturalWidth || !here.width) return;
  const [x, y, width, height] = mark.box;
  const side = Math.max(width, height) * 1.3, factor = picture.naturalWidth / here.width;
  const left = x + width / 2 - side / 2, top = y + height / 2 - side / 2;
  pen.imageSmoothingQuality = "high";
  pen.drawImage(picture, left * factor, top * factor, side * factor, side * factor, 0, 0, canvas.width, canvas.height);
}

function exchange(place) {
  const here = sheet(), number = chosen ?? least(here), other = here.marks[number]?.others[place];
  if (!other) return;
  if (!matches()) { note("The text has another number of digits than there are boxes."); return; }
  const at = offset(number);
  // What is typed goes where the focus is: it may be on the button of the alternative.
  field.focus({ preventScroll: true });
  field.setSelectionRange(at, at + 1);
  type(other.digit);
  field.setSelectionRange(at, at + 1);
  chosen = number;
  doubt();
  say(`${ordinal(number + 1)} digit is now ${other.digit}`);
}

function choose(step) {
  const here = sheet();
  if (!here.marks.length || !matches()) return false;
  chosen = chosen === null ? least(here) : Math.min(Math.max(chosen + step, 0), here.marks.length - 1);
  const at = offset(chosen);
  field.setSelectionRange(at, at + 1);
  doubt();
  reveal(here.marks[chosen].box);
  return true;
}

function type(text) {
  // As typed by hand: so Ctrl+Z of the field itself knows it.
  if (!document.execCommand("insertText", false, text)) field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
}

// ---- answers

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

// ---- the picture

function bounds(here) {
  const boxes = here.marks.map((mark) => mark.box);
  const left = Math.min(...boxes.map(([x]) => x)), top = Math.min(...boxes.map(([, y]) => y));
  const right = Math.max(...boxes.map(([x, , w]) => x + w)), bottom = Math.max(...boxes.map(([, y, , h]) => y + h));
  return [left, top, right - left, bottom - top];
}

function scaleFor(width, height) {
  const [w, h] = view.turn % 180 ? [height, width] : [width, height];
  const room = [Math.max(stage.clientWidth - 2 * MARGIN, 40), Math.max(stage.clientHeight - 2 * MARGIN, 40)];
  return Math.min(room[0] / w, room[1] / h, UP_MOST);
}

function fit(region) {
  // The whole page where its digits can be read then, else the digits; F exchanges the two.
  const here = sheet();
  if (!here.width) return;
  const whole = scaleFor(here.width, here.height);
  const heights = here.marks.map((mark) => mark.box[3]).sort((a, b) => a - b);
  const small = heights.length > 0 && heights[Math.floor(heights.length / 2)] * whole < LEGIBLE;
  view.region = region ?? small;
  if (view.region && here.marks.length) {
    const [x, y, width, height] = bounds(here);
    view.scale = scaleFor(width, height);
    view.x = x + width / 2;
    view.y = y + height / 2;
  } else {
    view.scale = whole;
    view.x = here.width / 2;
    view.y = here.height / 2;
  }
  paint();
}

function paint() {
  const here = sheet(), { x, y, scale, turn } = view;
  const middle = [stage.clientWidth / 2, stage.clientHeight / 2];
  paper.style.transform =
    `translate(${middle[0]}px, ${middle[1]}px) rotate(${turn}deg) scale(${scale}) translate(${-x}px, ${-y}px)`;
  paper.style.setProperty("--px", String(1 / scale));
  labels();
  map(here);
  sharper(here);
}

function map(here) {
  // A small whole page, where not all of it is to be seen.
  const canvas = $("map"), picture = image(current, current.page);
  const side = turnedBack(stage.clientWidth / view.scale, stage.clientHeight / view.scale);
  const all = side[0] >= here.width && side[1] >= here.height;
  canvas.hidden = all || !picture.naturalWidth;
  if (canvas.hidden) return;
  const factor = Math.min(150 / here.width, 110 / here.height);
  canvas.width = Math.max(8, Math.round(here.width * factor));
  canvas.height = Math.max(8, Math.round(here.height * factor));
  const pen = canvas.getContext("2d");
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  pen.strokeStyle = "#b34e00";
  pen.lineWidth = 2;
  pen.strokeRect((view.x - side[0] / 2) * factor, (view.y - side[1] / 2) * factor, side[0] * factor, side[1] * factor);
}

function turnedBack(across, down) { return view.turn % 180 ? [down, across] : [across, down]; }

function sharper(here) {
  // Zoomed far into a page that was reduced: its picture in full takes the place of the small one.
  const picture = image(current, current.page), entry = current, page = current.page;
  if (!picture.naturalWidth || picture.full || picture.naturalWidth >= here.width) return;
  if (view.scale * here.width < picture.naturalWidth * 1.4) return;
  picture.full = true;
  const full = new Image();
  full.src = here.full;
  full.decode().then(() => { if (entry === current && page === current.page) picture.src = full.src; }, () => {});
}

function zoom(factor) {
  view.scale = Math.min(Math.max(view.scale * factor, 0.02), 40);
  paint();
}

function pan(across, down) {
  // In screen pixels; the page may be turned.
  const angle = (-view.turn * Math.PI) / 180;
  const here = sheet();
  view.x += (across * Math.cos(angle) - down * Math.sin(angle)) / view.scale;
  view.y += (across * Math.sin(angle) + down * Math.cos(angle)) / view.scale;
  view.x = Math.min(Math.max(view.x, 0), here.width);
  view.y = Math.min(Math.max(view.y, 0), here.height);
  paint();
}

function reveal([x, y, width, height]) {
  const [across, down] = turnedBack(stage.clientWidth / view.scale, stage.clientHeight / view.scale);
  const away = Math.abs(x + width / 2 - view.x) > across / 2 - width || Math.abs(y + height / 2 - view.y) > down / 2 - height;
  if (away) { view.x = x + width / 2; view.y = y + height / 2; }
  paint();
}

function rotate(step) {
  view.turn = (view.turn + step + 360) % 360;
  fit(view.region);
  say(`Turned to ${view.turn} degrees`);
}

// ---- words

function percent(share) {
  return share >= 0.99 && share < 1 ? `${Math.min(share * 100, 99.99).toFixed(2)} %` : `${(share * 100).toFixed(1)} %`;
}

function ordinal(number) {
  const ending = number % 100 > 10 && number % 100 < 14 ? "th" : ["th", "st", "nd", "rd"][number % 10] ?? "th";
  return `${number}${ending}`;
}

function announce() {
  const here = sheet(), spoken = here.text.split("\n").map((line) => line.split("").join(" ")).join(", next line, ");
  const which = current.card.sheets.length > 1 ? `, page ${here.page}` : "";
  say(`${current.card.name}${which}. Read: ${spoken || "nothing"}. ${$("doubt").hidden ? "" : $("doubt-words").textContent}`);
}

function say(text) { $("said").textContent = text; }

function note(text, bad = false) {
  const place = $("work").hidden ? $("empty-words") : $("note");
  place.textContent = text;
  place.classList.toggle("bad", bad);
  clearTimeout(noteTimer);
  noteTimer = setTimeout(() => { $("note").textContent = ""; }, NOTE);
}

function measured() {
  // From the key to the frame that has the next picture, for whoever wants to know (User Timing).
  if (!pressed) return;
  const start = pressed, name = current.card.key;
  pressed = 0;
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => performance.measure("key-to-picture", { start, detail: name });
    channel.port2.postMessage(0);
  });
}

// ---- keys

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

// ---- begin, and end

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
