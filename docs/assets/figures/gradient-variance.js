// Mask noise of the gradient for one weight of a linear unit. Its loss is linear in its output, so that the
// mask does not change the error: example b has the gradient g_b = c_b m_b / k. Without dropout it is c_b
// (error times input), normal with mean 1 and standard deviation `spread`, independent for each b. The mask
// m_b is 1 with probability k, else 0. The batch gradient is the mean of B such terms.
// Own masks: the m_b are independent. One mask: they are the same number. Over the masks, examples given,
//   V_b = c_b^2 (1 - k) / k, and with one mask C_bc = c_b c_c (1 - k) / k; with own masks C_bc = 0.
// Averaged over examples these are V = (1 + spread^2) (1 - k) / k and C = (1 - k) / k; rho = C / V. The batch
// gradient's variance is V / B with own masks, and with one mask V / B + (1 - 1 / B) C, which is
// (1 + (B - 1) rho) V / B and never below the floor C. Marks: of drawn batches, the mean of the squared
// deviation from the same batch's gradient without dropout, the known mean over the masks.
import { define, tag } from "./base.js";

const BATCHES = 500, SIZES = [1, 2, 4, 8, 16, 32, 64, 128], MOST = SIZES.at(-1);
const WIDTH = 320, HEIGHT = 364, LEFT = 40, RIGHT = 316, TOP = 78, BOTTOM = 322;
const LOW = -3.3, HIGH = 1.7; // powers of ten on the axis of variances
const across = (batch) => LEFT + 10 + (Math.log2(batch) / Math.log2(MOST)) * (RIGHT - LEFT - 20);
const up = (variance) => BOTTOM - ((Math.log10(variance) - LOW) / (HIGH - LOW)) * (BOTTOM - TOP);
const digits = (number) => number.toPrecision(3);
const text = (kind, x, y, anchor, words) => tag("text", { class: kind, x, y, "text-anchor": anchor }, words);

const normal = (random) => // Box and Muller; 1 - u is never 0
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const several = (count, make) => Array.from({ length: count }, make);
// Every batch has the largest size; a smaller batch is its beginning.
const batches = (random) => ({
  uniform: several(BATCHES, () => several(MOST, random)),
  normal: several(BATCHES, () => several(MOST, () => normal(random))),
});

export default define({
  name: "gradient-variance",
  box: [WIDTH, HEIGHT],
  controls: [
    { id: "batch", label: "Batch size B", type: "choice", options: SIZES.map(String), value: "64" },
    { id: "keep_prob", label: "keep_prob", type: "range", min: 0.2, max: 0.9, step: 0.1, value: 0.8 },
    { id: "spread", label: "Spread of the examples", type: "range", min: 0, max: 2, step: 0.5, value: 1 },
    { id: "again", label: "Draw other batches", type: "button" },
  ],
  start: (values, random) => batches(random),
  act: (memory, id, values, random) => batches(random),
  model({ batch, keep_prob: k, spread }, { uniform, normal }) {
    const B = Number(batch), C = (1 - k) / k, V = (1 + spread ** 2) * C;
    const own = (size) => V / size, one = (size) => V / size + (1 - 1 / size) * C;
    const noise = (mask) => normal.reduce((total, row, r) => {
      let off = 0; // the batch's gradient minus the one without dropout
      for (let b = 0; b < B; b++) off += (1 + spread * row[b]) * ((uniform[r][mask(b)] < k) / k - 1);
      return total + (off / B) ** 2;
    }, 0) / BATCHES;
    return {
      own: own(B), one: one(B), rho: C / V, ratio: 1 + ((B - 1) * C) / V, floor: C, sizes: SIZES,
      curves: { own: SIZES.map(own), one: SIZES.map(one) },
      drawn: { own: noise((b) => b), one: noise(() => 0) },
    };
  },
  draw({ curves, drawn, floor }, { batch }) {
    const line = (kind, x1, y1, x2, y2) => tag("line", { class: kind, x1, y1, x2, y2 });
    const point = (v, i) => `${across(SIZES[i]).toFixed(2)},${up(v).toFixed(2)}`;
    const curve = (kind, values) => tag("polyline", { class: kind, points: values.map(point).join(" ") });
    const mark = (x, y, square) => (square
      ? tag("rect", { class: "series-2", x: x - 4.5, y: y - 4.5, width: 9, height: 9 })
      : tag("circle", { class: "series-1", cx: x, cy: y, r: 5 }));
    const at = across(Number(batch));
    let out = line("grid", at, TOP, at, BOTTOM);
    for (const value of [0.001, 0.01, 0.1, 1, 10]) {
      out += line("grid", LEFT, up(value), RIGHT, up(value)) +
        text("tick", LEFT - 5, up(value) + 4, "end", value);
    }
    out += line("axis", LEFT, BOTTOM, RIGHT, BOTTOM);
    for (const size of SIZES) out += text("tick", across(size), BOTTOM + 17, "middle", size);
    out += text("label", RIGHT, BOTTOM + 36, "end", "batch size B") +
      text("label", 2, 70, "start", "mask noise of the gradient");
    const key = [["series-1", "own masks", 2, 12], ["series-2 dashed", "one mask", 150, 12],
      ["axis dashed", `floor C = ${digits(floor)}`, 2, 30]];
    for (const [kind, label, x, y] of key) {
      out += line(kind, x, y - 4, x + 24, y - 4) + text("label", x + 30, y, "start", label);
    }
    out += mark(8, 44) + mark(21, 44, true) +
      text("label", 32, 48, "start", `marks: ${BATCHES} drawn batches`);
    return out + line("axis dashed", LEFT, up(floor), RIGHT, up(floor)) +
      curve("series-1", curves.own) + curve("series-2 dashed", curves.one) +
      mark(at, up(drawn.own)) + mark(at, up(drawn.one), true);
  },
  say({ own, one, rho, ratio, drawn }, { batch }) {
    return `Batch size ${batch}: the mask noise is ${digits(own)} with own masks and ${digits(one)} with one, ` +
      `1 + (B − 1)ρ = ${digits(ratio)} times as much, with ρ = ${digits(rho)}. ` +
      `${BATCHES} drawn batches give ${digits(drawn.own)} and ${digits(drawn.one)}.`;
  },
});
