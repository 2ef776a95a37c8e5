// All 16 thinned networks of one layer of 4 units, for one input x of 4 numbers:
//   hidden = tanh(x W), z = hidden v, output = sigmoid(z); no biases.
// Masks act on the hidden units or on the inputs; kept ones are divided by k (inverted dropout). A mask that
// keeps j of 4 has the probability k^j (1 - k)^(4 - j). From the 16 outputs s, with these weights:
//   mean        the sum of probability * s
//   geometric   G = product of s^probability, and H the same of 1 - s; G / (G + H)
//   scaling     weight scaling: the whole network, nothing dropped
// x, W and v are drawn: normal numbers times 1, 1/2 and, for v, TIMES[output weights].
import { define, tag } from "./base.js";

const UNITS = 4, TIMES = { "as drawn": 1, "4 times as drawn": 4 };
const WIDTH = 320, HEIGHT = 432, ROW = 19, CHANCE = 118, ZERO = 126, ONE = 248, END = 318;
const PLACES = ["hidden units", "inputs"];
const MASKS = Array.from({ length: 2 ** UNITS }, (_, i) => [8, 4, 2, 1].map((bit) => !(i & bit)));
const count = (mask) => mask.filter(Boolean).length;
MASKS.sort((a, b) => count(b) - count(a)); // stable: most units kept first

const normal = (random) => // Box and Muller; 1 - u is never 0
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const row = (random, size) => Array.from({ length: UNITS }, () => size * normal(random));
const network = (random) => ({
  x: row(random, 1), W: Array.from({ length: UNITS }, () => row(random, 0.5)), v: row(random, 1),
});
const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
const text = (kind, x, y, anchor, words) => tag("text", { class: kind, x, y, "text-anchor": anchor }, words);
const digits = (number) => number.toPrecision(3) // 4.2e-8 as a power of ten
  .replace(/e-(\d+)/, (_, power) => ` × 10⁻${power.replace(/\d/g, (d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d])}`);

export default define({
  name: "all-masks",
  box: [WIDTH, HEIGHT],
  controls: [
    { id: "keep_prob", label: "keep_prob", type: "range", min: 0.1, max: 1, step: 0.1, value: 0.6 },
    { id: "weights", label: "Output weights", type: "choice", options: Object.keys(TIMES),
      value: "4 times as drawn" },
    { id: "place", label: "Masks act on", type: "choice", options: PLACES, value: "hidden units" },
    { id: "again", label: "Draw another network", type: "button" },
  ],
  start: (values, random) => network(random),
  act: (memory, id, values, random) => network(random),
  model({ keep_prob: k, weights, place }, { x, W, v }) {
    const score = (inputs, units) => { // z, with what each input and each hidden unit is multiplied by
      const masked = x.map((a, i) => a * inputs[i]);
      const hidden = W[0].map((_, j) => Math.tanh(dot(masked, W.map((w) => w[j]))));
      return TIMES[weights] * dot(hidden.map((a, j) => a * units[j]), v);
    };
    const all = Array(UNITS).fill(1), sigmoid = (z) => 1 / (1 + Math.exp(-z));
    const rows = MASKS.map((mask) => {
      const scaled = mask.map((on) => (on ? 1 / k : 0)), j = count(mask);
      const z = place === "inputs" ? score(scaled, all) : score(all, scaled);
      return { mask, z, probability: k ** j * (1 - k) ** (UNITS - j), output: sigmoid(z) };
    });
    const mean = (f) => rows.reduce((sum, r) => sum + r.probability * f(r), 0);
    // log s and log(1 - s) from z: near 1, s itself has lost the digits of 1 - s
    const G = Math.exp(mean((r) => -Math.log1p(Math.exp(-r.z))));
    const H = Math.exp(mean((r) => -Math.log1p(Math.exp(r.z))));
    return { rows, mean: mean((r) => r.output), geometric: G / (G + H), scaling: sigmoid(score(all, all)) };
  },
  draw({ rows, mean, geometric, scaling }) {
    const across = (s) => ZERO + s * (ONE - ZERO), bottom = 24 + ROW * rows.length;
    const line = (kind, x1, y1, x2, y2) => tag("line", { class: kind, x1, y1, x2, y2 });
    let out = text("label", 2, 14, "start", "mask") + text("label", CHANCE, 14, "end", "probability") +
      text("label", END, 14, "end", "output");
    for (const s of [0, 0.5, 1]) {
      out += line("grid", across(s), 20, across(s), HEIGHT - 22) +
        text("tick", across(s), HEIGHT - 7, "middle", s);
    }
    rows.forEach(({ mask, probability, output }, i) => {
      const y = 24 + ROW * i;
      mask.forEach((on, j) => {
        const cross = on ? "" : tag("path", { d: "M3 3 10 10M10 3 3 10", class: "cross" });
        out += tag("g", { class: on ? "kept" : "dropped", transform: `translate(${2 + 16 * j} ${y})` },
          tag("rect", { width: 13, height: 13 }) + cross);
      });
      out += text("tick", CHANCE, y + 11, "end", probability.toFixed(4)) +
        tag("rect", { class: "axis", x: ZERO, y: y + 2, width: across(output) - ZERO, height: 9 }) +
        text("tick", END, y + 11, "end", digits(output));
    });
    out += line("axis", 2, bottom + 1, END, bottom + 1) +
      line("series-2 dashed", across(scaling), 20, across(scaling), HEIGHT - 22);
    const sums = [["mean", mean], ["geometric mean", geometric], ["weight scaling", scaling]];
    sums.forEach(([label, value], i) => {
      const y = bottom + 17 + 22 * i;
      out += text("label", CHANCE, y + 4, "end", label) +
        text("strong", END, y + 4, "end", digits(value)) +
        tag("circle", { class: `series-${[1, 3, 2][i]}`, cx: across(value), cy: y, r: 5 });
    });
    return out;
  },
  say({ mean, geometric, scaling }, { keep_prob, place }) {
    const why = keep_prob === 1 ? "Nothing is dropped, so all three are equal"
      : place === "inputs" ? "A tanh follows the masks, so the last two need not be equal"
        : "Only a linear step and a sigmoid follow the masks, so the last two are equal";
    return `Over the 16 outputs, weighted by probability: mean ${digits(mean)}, normalised geometric mean ` +
      `${digits(geometric)}. Weight scaling: ${digits(scaling)}. ${why}.`;
  },
});
