// Masks for activations of shape (5 examples, 3 channels, 4 positions). All activations are 1 and dropout is
// inverted, so an element's output is 1 / keep_prob if it is kept, else 0. A choice is the shape of the mask;
// axes of length 1 are broadcast. Each uniform number that the shape needs decides "kept" by u < keep_prob.
// Running figures, over all masks so far; each output has the mean 1, so deviations are from 1:
//   mean, variance   of all outputs
//   spread           of one mask's mean output: the mean of its squared deviation from 1
// Exact: 1, (1 - k) / k and (1 - k) / (k * numbers), where `numbers` independent numbers make one mask.
import { define, tag } from "./base.js";

const EXAMPLES = 5, CHANNELS = 3, POSITIONS = 4, ALL = EXAMPLES * CHANNELS * POSITIONS;
const SHAPES = {
  "one per element": [EXAMPLES, CHANNELS, POSITIONS],
  "shared by the batch": [1, CHANNELS, POSITIONS],
  "one per channel": [EXAMPLES, CHANNELS, 1],
};
const WIDTH = 320, HEIGHT = 226, CELL = 21, SIDE = 17, VALUE = 250, END = 316;
const left = (channel, position) => 50 + (channel * POSITIONS + position) * CELL + channel * 8;
const digits = (number) => (number ? number.toPrecision(3) : "0");
const many = (masks) => (masks === 1 ? "1 mask" : `${masks} masks`);
const text = (kind, x, y, anchor, words) => tag("text", { class: kind, x, y, "text-anchor": anchor }, words);

// One uniform number for every element: all choices use the same draws, smaller masks the first of a group.
const draw = (random) => Array.from({ length: ALL }, random);

export default define({
  name: "mask-machine",
  box: [WIDTH, HEIGHT],
  controls: [
    { id: "mask", label: "Mask", type: "choice", options: Object.keys(SHAPES), value: "one per element" },
    { id: "keep_prob", label: "keep_prob", type: "range", min: 0.1, max: 1, step: 0.1, value: 0.8 },
    { id: "one", label: "Draw a new mask", type: "button" },
    { id: "hundred", label: "Draw 100 masks", type: "button" },
  ],
  start: (values, random) => [draw(random)],
  act: (memory, id, values, random) =>
    [...memory, ...Array.from({ length: id === "hundred" ? 100 : 1 }, () => draw(random))],
  model({ mask, keep_prob: k }, memory) {
    const shape = SHAPES[mask];
    const decides = Array.from({ length: ALL }, (_, i) => {
      const example = Math.floor(i / (CHANNELS * POSITIONS)) % shape[0];
      const channel = Math.floor(i / POSITIONS) % CHANNELS % shape[1];
      return (example * CHANNELS + channel) * POSITIONS + (i % POSITIONS) % shape[2];
    });
    const last = decides.map((i) => memory.at(-1)[i] < k);
    const masks = memory.length, numbers = shape[0] * shape[1] * shape[2];
    let sum = 0, spread = 0;
    for (const uniform of memory) {
      let kept = 0;
      for (const i of decides) kept += uniform[i] < k;
      sum += kept;
      spread += (kept / (ALL * k) - 1) ** 2 / masks;
    }
    const share = sum / (masks * ALL); // of outputs 1 / k; the others are 0
    return {
      last, shape, numbers, masks, kept: last.filter(Boolean).length,
      drawn: { mean: share / k, variance: share * (1 / k - 1) ** 2 + (1 - share), spread },
      exact: { mean: 1, variance: (1 - k) / k, spread: (1 - k) / (k * numbers) },
    };
  },
  draw({ last, masks, drawn, exact }) {
    let cells = "", words = text("label", 2, 13, "start", "example");
    last.forEach((on, i) => {
      const example = Math.floor(i / (CHANNELS * POSITIONS)), channel = Math.floor(i / POSITIONS) % CHANNELS;
      const x = left(channel, i % POSITIONS), y = 21 + example * CELL;
      if (i % POSITIONS === 0 && example === 0) {
        words += text("label", x + 2 * CELL - 2, 13, "middle", `channel ${channel + 1}`);
      }
      if (i % (CHANNELS * POSITIONS) === 0) {
        words += text("label", 40, y + 13, "end", example + 1);
      }
      const cross = on ? "" : tag("path", { d: "M4 4 13 13M13 4 4 13", class: "cross" });
      cells += tag("g", { class: on ? "kept" : "dropped", transform: `translate(${x} ${y})` },
        tag("rect", { width: SIDE, height: SIDE }) + cross);
    });
    const rows = { mean: "mean of the outputs", variance: "variance of the outputs",
      spread: `variance of the mean of ${ALL}` };
    words += text("label", VALUE, 149, "end", many(masks)) + text("label", END, 149, "end", "exact");
    Object.entries(rows).forEach(([id, label], i) => {
      const y = 172 + 23 * i;
      words += tag("line", { class: "grid", x1: 2, y1: y - 16, x2: END, y2: y - 16 }) +
        text("label", 2, y, "start", label) + text("strong", VALUE, y, "end", digits(drawn[id])) +
        text("label", END, y, "end", digits(exact[id]));
    });
    return cells + words;
  },
  say({ shape, numbers, masks, kept, drawn, exact }) {
    const [mean, variance, spread] = Object.values(drawn).map(digits);
    return `Shape (${shape.join(", ")}): ${numbers} random numbers; ${kept} of ${ALL} outputs kept. ` +
      `Over ${many(masks)}: mean ${mean}, variance ${variance}, variance of the mean of ${ALL} outputs ` +
      `${spread}; exact: ${Object.values(exact).map(digits).join(", ")}.`;
  },
});
