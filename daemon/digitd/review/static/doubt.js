// The doubtful digit, and what it may be instead.
"use strict";

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
