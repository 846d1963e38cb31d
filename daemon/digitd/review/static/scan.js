// The scan that is before the person: shown with its boxes, and said in words.
"use strict";

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
