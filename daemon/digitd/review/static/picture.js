// How the picture lies in its frame: fitted, larger, turned, moved.
"use strict";

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
