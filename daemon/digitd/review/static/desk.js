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
let current = null; // {card, images: Map of page -> <img>, texts, page}
let queue = []; // what comes next, likewise
let unsent = []; // {path, body, key, name, card, counts}: answers on their way, in order
let sending = false, fetching = false, exhausted = false;
let chosen = null; // number of the mark that is selected
let view = { x: 0, y: 0, scale: 1, turn: 0, region: false };
let times = [], done = 0, began = 0, pressed = 0, noteTimer = 0, lookTimer = 0;
