// Dropout on attention weights. Row i of a causal 8 x 8 matrix is the softmax of i standard normal
// scores; inverted dropout drops each weight on its own and divides the others by k.
// A row no longer sums to 1. Over all masks its sum has mean 1 and variance (1 - k) / k * sum_j a_j^2.
import { define, tag } from "./base.js";

const SIZE = 8;
const WIDTH = 320, HEIGHT = 250, CELL = 25, LEFT = 32, TOP = 42, SUM = 264, END = 318;

// One number for each weight: row i has i + 1 of them.
const triangle = (make) =>
  Array.from({ length: SIZE }, (_, i) => Array.from({ length: i + 1 }, () => make()));
const sum = (row) => row.reduce((total, x) => total + x, 0);

export default define({
  name: "attention-dropout",
  box: [WIDTH, HEIGHT],
  controls: [
    { id: "keep_prob", label: "keep_prob", type: "range", min: 0.4, max: 1, step: 0.1, value: 0.8,
      off: ({ mask }) => !mask },
    { id: "mask", label: "Dropout on", type: "check", value: true },
    { id: "again", label: "Draw a new mask", type: "button" },
  ],
  start(values, random) {
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return { scores: triangle(normal), draws: triangle(random) };
  },
  act: ({ scores }, id, values, random) => ({ scores, draws: triangle(random) }),
  model({ keep_prob, mask }, { scores, draws }) {
    const k = mask ? keep_prob : 1;
    const before = scores.map((row) => {
      const powers = row.map((s) => Math.exp(s - Math.max(...row)));
      return powers.map((x) => x / sum(powers));
    });
    const kept = draws.map((row) => row.map((u) => u < k));
    const after = before.map((row, i) => row.map((x, j) => (kept[i][j] ? x / k : 0)));
    const sums = after.map(sum), count = (test) => sums.filter(test).length;
    return {
      before, after, kept, sums,
      deviations: before.map((row) => Math.sqrt(((1 - k) / k) * sum(row.map((x) => x * x)))),
      above: count((s) => s > 1 + 1e-9), below: count((s) => s < 1 - 1e-9), // rounding is no difference
      lost: kept.filter((row) => !row.includes(true)).length,
    };
  },
  draw({ after, kept, sums, deviations }) {
    const text = (x, y, inside, kind = "tick", anchor = "middle") =>
      tag("text", { class: kind, x, y, "text-anchor": anchor }, inside);
    const middle = (n) => CELL * (n + 0.5);
    let out = text(LEFT + middle(3.5), 14, "key", "label") + text(2, 34, "query", "label", "start") +
      text(SUM, 34, "sum", "label", "end") +
      text(END, 18, "over all", "label", "end") + text(END, 34, "masks", "label", "end");
    after.forEach((row, i) => {
      const y = TOP + middle(i);
      out += text(LEFT - 8, y + 4, i + 1, "tick", "end") + text(LEFT + middle(i), 34, i + 1) +
        text(SUM, y + 4, sums[i].toFixed(2), "label", "end") +
        text(END, y + 4, `1 ± ${deviations[i].toFixed(2)}`, "tick", "end");
      row.forEach((weight, j) => {
        // The area is the weight, on one scale for every keep_prob: the largest, 1 / 0.4, fills a cell.
        const on = kept[i][j], side = on ? (CELL - 3) * Math.sqrt(0.4 * weight) : 12;
        const corner = { x: LEFT + CELL * j, y: TOP + CELL * i, width: CELL, height: CELL };
        out += tag("rect", { class: "grid", ...corner });
        out += tag("g", { class: on ? "bar" : "dropped", transform: `translate(${LEFT + middle(j)} ${y})` },
          tag("rect", { x: -side / 2, y: -side / 2, width: side, height: side }) +
          (on ? "" : tag("path", { class: "cross", d: "M-6-6 6 6M6-6-6 6" })));
      });
    });
    return out;
  },
  say({ above, below, lost, deviations }, { keep_prob, mask }) {
    if (!mask || keep_prob === 1) return `Nothing is dropped: all ${SIZE} rows sum to 1.`;
    const show = (x) => x.toPrecision(3);
    return `Of ${SIZE} sums, ${above} are above 1 and ${below} below; ${lost} of the rows lost every weight, ` +
      `as the first does with probability 1 − ${keep_prob} = ${show(1 - keep_prob)}. Over all masks the first sum ` +
      `is 1 ± ${show(deviations[0])}, the last 1 ± ${show(deviations[SIZE - 1])}.`;
  },
});
