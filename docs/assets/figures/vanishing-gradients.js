// Which entries of dW are exactly 0 when units are dropped. Five inputs a and four outputs of a layer
// z = (a m / k) W both have inverted dropout, so dz = d m' / k, where d is the gradient that would
// arrive at z without it, and dW = (a m / k)^T dz / B is the gradient of the mean loss of B examples.
// Entry (i, j) is 0 if no example keeps both units. Each a and d is from 0.5 to 1 in size, of either
// sign: none is 0, and a sum of their products is 0 only if it has no terms (or with probability 0).
import { define, tag } from "./base.js";

const INPUTS = 5, OUTPUTS = 4, MOST = 8;
const WIDTH = 320, HEIGHT = 282, ACROSS = 54, DOWN = 40, SMALL = 12, LEFT = 68, TOP = 62;

const times = (n, make) => Array.from({ length: n }, (_, i) => make(i));
const draws = (units, random) => times(MOST, () => times(units, random));
const masks = (random) => ({ m: draws(INPUTS, random), m2: draws(OUTPUTS, random) });
const size = (u) => (u < 0.5 ? u - 1 : u); // never 0

export default define({
  name: "vanishing-gradients",
  box: [WIDTH, HEIGHT],
  controls: [
    { id: "batch", label: "Examples in the batch", type: "choice", options: ["1", "2", "4", "8"],
      value: "2" },
    { id: "keep_prob", label: "keep_prob", type: "range", min: 0.1, max: 1, step: 0.1, value: 0.6 },
    { id: "masks", label: "Masks", type: "choice", options: ["one per example", "one for the batch"],
      value: "one per example" },
    { id: "again", label: "Draw new masks", type: "button" },
  ],
  start: (values, random) =>
    ({ a: draws(INPUTS, random), d: draws(OUTPUTS, random), ...masks(random) }),
  act: (memory, id, values, random) => ({ ...memory, ...masks(random) }),
  model({ batch, keep_prob, masks: kind }, { a, d, m, m2 }) {
    const B = Number(batch), shared = kind === "one for the batch";
    const keep = (numbers) => times(B, (b) => numbers[shared ? 0 : b].map((u) => u < keep_prob));
    const inputs = keep(m), outputs = keep(m2);
    const masked = (numbers, kept) => kept.map((row, b) =>
      row.map((on, i) => (on ? size(numbers[b][i]) / keep_prob : 0)));
    const out = masked(a, inputs), dz = masked(d, outputs);
    const entry = (i, j) => times(B, (b) => out[b][i] * dz[b][j]).reduce((sum, x) => sum + x) / B;
    const dW = times(INPUTS, (i) => times(OUTPUTS, (j) => entry(i, j)));
    const zero = dW.map((row) => row.map((x) => x === 0));
    const rows = zero.map((row) => row.every(Boolean));
    const columns = times(OUTPUTS, (j) => zero.every((row) => row[j]));
    // An example adds nothing to row i if it drops unit i, and also if it drops all of the outputs.
    const p = 1 - keep_prob, power = shared ? 1 : B;
    return {
      inputs, outputs, dW, zero, rows, columns, entries: zero.flat().filter(Boolean).length, power,
      unit: p ** power, row: (1 - keep_prob * (1 - p ** OUTPUTS)) ** power,
    };
  },
  draw({ inputs, outputs, dW, zero, rows, columns }) {
    const text = (kind, x, y, inside, anchor = "middle") =>
      tag("text", { class: kind, x, y, "text-anchor": anchor }, inside);
    const square = (kind, x, y, side) => {
      const r = side / 2;
      const cross = tag("path", { class: "cross", d: `M${-r} ${-r} ${r} ${r}M${r} ${-r} ${-r} ${r}` });
      return tag("g", { class: kind, transform: `translate(${x} ${y})` },
        tag("rect", { x: -r, y: -r, width: side, height: side }) + (kind === "dropped" ? cross : ""));
    };
    const column = (j) => LEFT + ACROSS * (j + 0.5), row = (i) => TOP + DOWN * (i + 0.5);
    const B = inputs.length;
    // The masks of one unit, four examples a line: an example has the same place for every unit.
    const strip = (masks, unit, x, y) => masks.map((kept, b) => {
      const along = b % 4 - (Math.min(B, 4) - 1) / 2, down = B > 4 ? Math.floor(b / 4) - 0.5 : 0;
      return square(kept[unit] ? "kept" : "dropped", x + along * SMALL, y + down * SMALL, 9.5);
    }).join("");
    const largest = Math.max(...dW.flat().map(Math.abs)) || 1;
    let out = text("label", 2, TOP - 6, "masks of a", "start") +
      text("label", LEFT + 2 * ACROSS, 12, "masks of dz");
    rows.forEach((gone, i) => {
      out += text("tick", 2, row(i) + 4, i + 1, "start") + strip(inputs, i, LEFT - 29, row(i));
      if (gone) out += text("strong", LEFT + ACROSS * OUTPUTS + 3, row(i) + 4, "all 0", "start");
      dW[i].forEach((x, j) => {
        const corner = { x: LEFT + ACROSS * j, y: TOP + DOWN * i, width: ACROSS, height: DOWN };
        const side = zero[i][j] ? 16 : (DOWN - 6) * Math.sqrt(Math.abs(x) / largest); // area: |dW|
        out += tag("rect", { class: "grid", ...corner }) +
          square(zero[i][j] ? "dropped" : "bar", column(j), row(i), side);
      });
    });
    columns.forEach((gone, j) => {
      out += strip(outputs, j, column(j), TOP - 19) + text("tick", column(j), 26, j + 1);
      if (gone) out += text("strong", column(j), TOP + DOWN * INPUTS + 16, "all 0");
    });
    return out;
  },
  say({ rows, columns, entries, power, unit, row }, { batch, keep_prob }) {
    if (keep_prob === 1) return "Nothing is dropped, and no entry of dW is 0.";
    const count = (list) => `${list.filter(Boolean).length} of ${list.length}`;
    const chance = (x) => x.toPrecision(3) // 1.00e-8 as a power of ten
      .replace(/e-(\d+)/, (_, digits) => ` × 10⁻${"⁰¹²³⁴⁵⁶⁷⁸⁹"[digits]}`);
    const base = `1 − ${keep_prob}`, raised = { 2: "²", 4: "⁴", 8: "⁸" }[power];
    const whole = raised ? `(${base})${raised}` : base;
    const who = batch > 1 ? "All examples drop" : "The example drops";
    return `Exactly 0: ${count(rows)} rows, ${count(columns)} columns and ${entries} of ` +
      `${INPUTS * OUTPUTS} entries of dW. ${who} a given unit of a with probability ${whole} = ` +
      `${chance(unit)}; its row is 0 with probability ${chance(row)}.`;
  },
});
