// A network and one of its thinned networks. A unit is kept if its own number is below keep_prob,
// so a higher keep_prob only adds units. Inputs and outputs are never dropped.
import { define, tag } from "./base.js";

const SIZES = [4, 6, 6, 2];
const WIDTH = 320, HEIGHT = 250;
const place = (layer, unit) => [
  19 + (layer * (WIDTH - 38)) / (SIZES.length - 1),
  HEIGHT / 2 + (unit - (SIZES[layer] - 1) / 2) * 42,
];

export default define({
  name: "thinned-network",
  box: [WIDTH, HEIGHT],
  controls: [
    { id: "keep_prob", label: "keep_prob", type: "range", min: 0.1, max: 1, step: 0.1, value: 0.8 },
    { id: "again", label: "Draw a new mask", type: "button" },
  ],
  start: (values, random) => SIZES.map((n) => Array.from({ length: n }, random)),
  act: (memory, id, values, random) => SIZES.map((n) => Array.from({ length: n }, random)),
  model({ keep_prob }, numbers) {
    const hidden = (layer) => layer > 0 && layer < SIZES.length - 1;
    const kept = numbers.map((row, layer) => row.map((u) => !hidden(layer) || u < keep_prob));
    const counts = kept.map((row) => row.filter(Boolean).length);
    const weights = (sizes) => sizes.slice(1).reduce((sum, n, l) => sum + n * sizes[l], 0);
    return { kept, counts, live: weights(counts), all: weights(SIZES) };
  },
  draw({ kept }) {
    let lines = "", units = "";
    kept.forEach((row, layer) => row.forEach((on, i) => {
      const [x, y] = place(layer, i);
      (kept[layer + 1] ?? []).forEach((next, j) => {
        const [x2, y2] = place(layer + 1, j);
        if (on && next) lines += tag("line", { class: "edge", x1: x, y1: y, x2, y2 });
      });
      const cross = on ? "" : tag("path", { d: "M-6-6 6 6M6-6-6 6", class: "cross" });
      units += tag("g", { class: on ? "kept" : "dropped", transform: `translate(${x} ${y})` },
        tag("circle", { r: 13 }) + cross);
    }));
    return lines + units;
  },
  say({ counts, live, all }, { keep_prob }) {
    return `Kept: ${counts[1]} of ${SIZES[1]} units in the first hidden layer, ${counts[2]} of ${SIZES[2]} in the second; ` +
      `${live} of ${all} weights join kept units. The outputs of kept hidden units are divided by ${keep_prob}.`;
  },
});
