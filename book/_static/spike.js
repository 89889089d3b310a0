// The figure of one spike, moved by hand: how large it is, and Adam's beta_2. The formula is that of
// reluclf/showing/spike.py. Without this script, and on paper, the still picture stands.
const BATCHES = 215, EPOCHS = 32;
const step = (k, ratio, beta) => 1 / Math.sqrt(1 + (1 - beta) * ratio ** 2 * beta ** k);
const half = (ratio, beta) => Math.max(0, Math.log(((1 - beta) * ratio ** 2) / 3) / -Math.log(beta));
const spelled = (n) => (n < 1 ? 0 : Number(n.toPrecision(2))).toLocaleString("en");

const element = (name, attributes, ...children) => {
  const svg = ["svg", "path", "line", "text", "circle", "g"].includes(name);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

const slider = (id, label, min, max, by, value) => {
  const input = element("input", { type: "range", autocomplete: "off", id, min, max, step: by, value });
  const shown = element("output", { for: id });
  return { input, shown, row: element("p", {}, element("label", { for: id }, label), input, shown) };
};

const enhance = (figure) => {
  const still = figure.querySelector("a.image-reference") ?? figure.querySelector("img"); // a picture with a width is a link to itself
  if (!still) return;
  const size = slider("spike-size", "Size of the spike, in usual gradients", 0, 4, 0.1, 3);
  const memory = slider("spike-memory", "β₂, Adam’s memory of squared gradients", 1, 4, 0.25, 3);
  const said = element("p", { role: "status", class: "spike-said" });
  const picture = element("div", {});
  const box = element("div", { class: "spike" }, size.row, memory.row, picture, said);

  const draw = () => {
    const ratio = 10 ** size.input.value, beta = 1 - 10 ** -memory.input.value;
    const SIZE = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16; // the reader's own size of letters
    const [HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [280, 60, 14, 14, 44].map((pixels) => pixels * SIZE);
    const width = Math.min(Math.max(picture.clientWidth, 260 * SIZE), 680 * SIZE);
    const x = (epoch) => LEFT + (epoch / EPOCHS) * (width - LEFT - RIGHT);
    const y = (length) => HEIGHT - BOTTOM - (length / 1.08) * (HEIGHT - BOTTOM - TOP);
    const sizeText = `${spelled(ratio)} ×`, betaText = String(Number(beta.toPrecision(4)));
    for (const [one, text] of [[size, sizeText], [memory, betaText]]) {
      one.shown.textContent = text;
      one.input.setAttribute("aria-valuetext", text);
    }
    const points = Array.from({ length: 401 }, (_, i) => (i / 400) * EPOCHS);
    const path = points.map((epoch, i) => `${i ? "L" : "M"}${x(epoch).toFixed(1)} ${y(step(epoch * BATCHES, ratio, beta)).toFixed(1)}`).join("");
    const back = half(ratio, beta), first = step(0, ratio, beta);
    const text = first >= 0.5 ? "The step never falls below half."
      : `The step falls to ${Number((100 * first).toPrecision(2))} % and is back at half after ${spelled(back)} batches, ` +
        `${(back / BATCHES).toFixed(1)} epochs${back > EPOCHS * BATCHES ? ": beyond the end of the fold" : ` of the fold’s ${EPOCHS}`}.`;
    said.textContent = text;
    const parts = [];
    for (let epoch = 0; epoch <= EPOCHS; epoch += width < 480 * SIZE ? 8 : 4) {
      parts.push(element("line", { x1: x(epoch), x2: x(epoch), y1: y(0), y2: TOP, class: "grid" }));
      parts.push(element("text", { x: x(epoch), y: y(0) + 17 * SIZE, "text-anchor": "middle" }, String(epoch)));
    }
    for (const length of [0, 0.25, 0.5, 0.75, 1]) {
      parts.push(element("line", { x1: LEFT, x2: x(EPOCHS), y1: y(length), y2: y(length), class: length === 1 ? "usual" : "grid" }));
      parts.push(element("text", { x: LEFT - 6, y: y(length) + 4 * SIZE, "text-anchor": "end" }, String(length)));
    }
    parts.push(element("text", { x: x(EPOCHS / 2), y: HEIGHT - 6 * SIZE, "text-anchor": "middle" }, "epochs after the spike"));
    parts.push(element("text", { x: 14 * SIZE, y: y(0.5), "text-anchor": "middle", transform: `rotate(-90 ${14 * SIZE} ${y(0.5)})` }, "step, in learning rates"));
    parts.push(element("path", { d: path, class: "step" }));
    if (first < 0.5 && back <= EPOCHS * BATCHES) parts.push(element("circle", { cx: x(back / BATCHES), cy: y(0.5), r: 5 }));
    picture.replaceChildren(element("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img",
      "aria-label": `The step after one spike of ${sizeText} the usual gradient, with beta 2 of ${betaText}. ${text}` }, ...parts));
  };

  still.classList.add("spike-still");
  still.before(box);
  for (const { input } of [size, memory]) input.addEventListener("input", draw);
  addEventListener("resize", draw);
  draw();
};

const figureOfSpike = document.getElementById("fig-why-spike");
if (figureOfSpike) enhance(figureOfSpike);
