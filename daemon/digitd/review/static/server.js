// What the desk asks the server, and what is on its way there: in order, and repeated until it is answered.
"use strict";

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
