// What holds for a page at every width and in both schemes; each breach is a line of text.
"use strict";

const LEAST_CONTRAST = 4.5;
const SLACK = 1; // pixels

function colourOf(text) {
  const found = text.match(/[\d.]+/g).map(Number);
  const scale = text.startsWith("color(srgb") ? 255 : 1;
  return { rgb: found.slice(0, 3).map((x) => x * scale), alpha: found.length > 3 ? found[3] : 1 };
}

function over(top, alpha, ground) {
  return top.map((x, i) => alpha * x + (1 - alpha) * ground[i]);
}

function luminance(rgb) {
  const [r, g, b] = rgb.map((x) => (x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

// The box of letters, without the room that a font keeps above and below them.
function boxOf(text) {
  const { left, right, top, bottom } = text.getBoundingClientRect();
  const spare = text.getAttribute("transform") ? 0 : (bottom - top) * 0.16;
  return { left, right, top: top + spare, bottom: bottom - spare };
}

function meet(a, b) {
  const across = a.left < b.right - SLACK && b.left < a.right - SLACK;
  return across && a.top < b.bottom - SLACK && b.top < a.bottom - SLACK;
}

function groundOfHtml(element, view) {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    const found = colourOf(view.getComputedStyle(at).backgroundColor);
    layers.push(found);
    if (found.alpha === 1) break;
  }
  return layers.reverse().reduce((ground, { rgb, alpha }) => over(rgb, alpha, ground), [255, 255, 255]);
}

function groundInDrawing(text, svg, view, paper) {
  const style = view.getComputedStyle(text);
  if (style.stroke !== "none") return colourOf(style.stroke).rgb;
  const box = boxOf(text);
  let ground = paper;
  for (const shape of svg.querySelectorAll("rect")) {
    if (shape.compareDocumentPosition(text) & view.Node.DOCUMENT_POSITION_FOLLOWING) {
      const look = view.getComputedStyle(shape);
      if (look.fill !== "none" && meet(box, shape.getBoundingClientRect())) {
        ground = over(colourOf(look.fill).rgb, Number(look.fillOpacity), ground);
      }
    }
  }
  return ground;
}

function checkDrawing(svg, view, paper, tell) {
  const frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll("text")].filter((text) => text.textContent.trim());
  const boxes = texts.map(boxOf);
  texts.forEach((text, i) => {
    const box = boxes[i];
    const isInside = box.left >= frame.left - SLACK && box.right <= frame.right + SLACK;
    if (!isInside || box.top < frame.top - SLACK || box.bottom > frame.bottom + SLACK) {
      tell(`${text.textContent} leaves its drawing`);
    }
    for (let j = 0; j < i; j += 1) {
      if (meet(box, boxes[j])) tell(`${text.textContent} stands on ${texts[j].textContent}`);
    }
    const found = contrast(colourOf(view.getComputedStyle(text).fill).rgb, groundInDrawing(text, svg, view, paper));
    if (found < LEAST_CONTRAST) tell(`${text.textContent} has a contrast of ${found.toFixed(1)}`);
  });
  return texts.length;
}

function checkText(page, view, tell) {
  const walker = page.createTreeWalker(page.body, view.NodeFilter.SHOW_TEXT);
  let n = 0;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("svg") || !element.getClientRects().length) continue;
    n += 1;
    const found = contrast(colourOf(view.getComputedStyle(element).color).rgb, groundOfHtml(element, view));
    if (found < LEAST_CONTRAST) tell(`${node.data.trim().slice(0, 40)} has a contrast of ${found.toFixed(1)}`);
  }
  return n;
}

function check(view, tell) {
  const page = view.document;
  page.querySelectorAll("details").forEach((each) => { each.open = true; });
  const paper = colourOf(view.getComputedStyle(page.body).backgroundColor).rgb;
  const excess = page.documentElement.scrollWidth - view.innerWidth;
  if (excess > 0) tell(`scrolls sideways by ${excess} px`);
  for (const { name } of view.performance.getEntriesByType("resource")) tell(`asks for ${name}`);
  const drawings = [...page.querySelectorAll("svg")].filter((svg) => svg.getClientRects().length);
  const nWords = drawings.reduce((n, svg) => n + checkDrawing(svg, view, paper, tell), 0);
  for (const drawing of page.querySelectorAll(".drawing")) {
    const shown = [...drawing.children].filter((each) => each.matches("svg") && each.getClientRects().length);
    if (drawing.querySelector(":scope > svg") && shown.length !== 1) tell(`shows ${shown.length} drawings of one`);
  }
  return { drawings: drawings.length, words: nWords, texts: checkText(page, view, tell), dark: luminance(paper) < 0.5 };
}

async function checkAll(pages, widths, schemes) {
  const found = { seen: [], breaches: [] };
  for (const [name, source] of Object.entries(pages)) {
    for (const width of widths) {
      const frame = document.createElement("iframe");
      frame.style.width = `${width}px`;
      frame.style.height = "900px";
      frame.style.border = "0";
      const loaded = new Promise((resolve) => { frame.onload = resolve; });
      frame.srcdoc = source;
      document.body.append(frame);
      await loaded;
      for (const scheme of schemes) {
        frame.contentDocument.getElementById(`scheme-${scheme}`).checked = true;
        const where = `${name} at ${width} px, ${scheme}`;
        const tell = (text) => found.breaches.push(`${where}: ${text}`);
        found.seen.push({ name, width, scheme, ...check(frame.contentWindow, tell) });
      }
      frame.remove();
    }
  }
  return found;
}
