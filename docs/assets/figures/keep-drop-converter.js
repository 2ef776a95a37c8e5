// One dropout layer in every convention: the same number is the probability to keep in some of them
// and to drop in others. The conventions are those of the tables, in one file that the parity job writes.
// Inverted dropout multiplies a kept unit by 1 / k in training and nothing at evaluation; the paper of
// 2014 multiplies nothing in training and the weights by its p = k at evaluation. The keep probability
// is above 0; at 0 no factor is shown.
import { define, tag } from "./base.js";
import stored from "../../practice/results/frameworks.json" with { type: "json" };

const CONVENTIONS = stored.conventions;
const title = ({ name, parameter }) => `${name}: ${parameter}`;
const WIDTH = 320, LINE = 38, TOP = 42, HEIGHT = TOP + CONVENTIONS.length * LINE + 2;

export default define({
  name: "keep-drop-converter",
  box: [WIDTH, HEIGHT],
  controls: [
    { id: "source", label: "Convention", type: "choice", options: CONVENTIONS.map(title),
      value: "PyTorch: p" },
    { id: "number", label: "Number in this convention", type: "range", min: 0, max: 1, step: 0.05, value: 0.2 },
  ],
  start: () => null, // nothing is random
  model({ source, number }) {
    const chosen = CONVENTIONS.findIndex((one) => title(one) === source);
    // The other of the two numbers, without the rounding that makes 1 - 0.8 a little less than 0.2.
    const other = Number((1 - number).toFixed(2));
    const { means } = CONVENTIONS[chosen];
    const [k, p] = means === "keep" ? [number, other] : [other, number];
    const factor = k > 0 ? 1 / k : null, after = k > 0 ? k : null, none = k > 0 ? 1 : null;
    const rows = CONVENTIONS.map(({ name, parameter: letter, means: kind, scales }) => ({
      name, letter, means: kind, number: kind === "keep" ? k : p,
      training: scales === "training" ? factor : none, evaluation: scales === "training" ? none : after,
    }));
    return { k, p, factor, means, chosen, rows };
  },
  draw({ rows, chosen }) {
    const text = (kind, x, y, inside, anchor = "start") =>
      tag("text", { class: kind, x, y, "text-anchor": anchor }, inside);
    const times = (factor) => (factor === null ? "–" : `× ${+factor.toFixed(2)}`);
    let out = text("tick", 146, 30, "number", "end") +
      text("tick", 250, 14, "factor in", "end") + text("tick", 250, 30, "training", "end") +
      text("tick", 316, 14, "factor at", "end") + text("tick", 316, 30, "evaluation", "end") +
      tag("line", { class: "axis", x1: 2, x2: WIDTH - 2, y1: TOP - 5, y2: TOP - 5 });
    rows.forEach(({ name, letter, means, number, training, evaluation }, i) => {
      const top = TOP + LINE * i, y = top + 31, kind = i === chosen ? "strong" : "label";
      const frame = { x: 2, y: top + 1, width: WIDTH - 4, height: LINE - 2 };
      if (i === chosen) out += tag("rect", { class: "axis", ...frame });
      out += text(kind, 7, top + 15, name) + text(kind, 7, y, letter) +
        text(kind, 146, y, number.toFixed(2), "end");
      const cross = means === "keep" ? "" : tag("path", { class: "cross", d: "M-5-5 5 5M5-5-5 5" });
      out += tag("g", { class: means === "keep" ? "kept" : "dropped", transform: `translate(160 ${y - 4})` },
        tag("rect", { x: -5, y: -5, width: 10, height: 10 }) + cross);
      out += text(kind, 170, y, means) + text(kind, 254, y, times(training), "end") +
        text(kind, 312, y, times(evaluation), "end");
    });
    return out;
  },
  say({ k, factor, means, chosen, rows }) {
    const { name, letter, number } = rows[chosen];
    const start = `${name}: ${letter} = ${number.toFixed(2)} is the probability to ${means}, so k = ` +
      `${k.toFixed(2)}.`;
    return factor === null ? `${start} The keep probability 0 is outside the range: there are no factors.` :
      `${start} Of these ${rows.length}, only the 2014 paper scales at evaluation, weights by k; the others in ` +
      `training, kept units by 1/k = ${factor.toPrecision(3)}.`;
  },
});
