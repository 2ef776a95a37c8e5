// One network's error in train mode and in eval mode. 2 inputs, 16 tanh units with inverted dropout,
// 1 linear output; 200 steps of full-batch gradient descent on the mean squared error of 40 noisy
// points, one mask per example and step. After every 5 steps the weights of that moment are judged
// with 20 fresh sets of masks (training uses others), without masks, and without masks on 100 other
// points.
// Squared error and a linear output: the mean of train mode over all masks is known exactly. It is
// the error in eval mode plus (1 - k) / k times the mean over examples of sum_j (a_j v_j)^2.
import { define, tag } from "./base.js";

const UNITS = 16, STEPS = 200, EVERY = 5, SETS = 20, RATE = 0.05;
const WIDTH = 320, HEIGHT = 340, LEFT = 34, RIGHT = 308, TOP = 78, BOTTOM = 298;
const LOW = 0.05; // one axis for every network and keep_prob: from here to 1, logarithmic

const times = (n, make) => { // a loop: Array.from takes twice the time
  const list = [];
  for (let i = 0; i < n; i++) list.push(make(i));
  return list;
};
const sum = (n, term) => {
  let total = 0;
  for (let i = 0; i < n; i++) total += term(i);
  return total;
};

function train({ keep_prob }, random) {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const point = () => {
    const x = [2 * random() - 1, 2 * random() - 1];
    return { x, y: Math.sin(3 * x[0]) + x[1] + 0.3 * normal() };
  };
  const points = times(40, point), others = times(100, point), n = points.length;
  const W = times(UNITS, () => [normal(), normal()]), b = times(UNITS, () => 0);
  const v = times(UNITS, () => normal() / 8);
  let c = 0;

  const hidden = ({ x }) => W.map(([w0, w1], j) => Math.tanh(w0 * x[0] + w1 * x[1] + b[j]));
  const masks = () => times(n, () => times(UNITS, () => (random() < keep_prob ? 1 / keep_prob : 0)));
  const whole = times(others.length, () => times(UNITS, () => 1));
  const residual = (a, { y }, mask) => sum(UNITS, (j) => a[j] * mask[j] * v[j]) + c - y;
  const error = (layer, set, mask = whole) =>
    sum(set.length, (i) => residual(layer[i], set[i], mask[i]) ** 2) / set.length;

  const curves = { one: [], mean: [], all: [], eval: [], other: [] };
  for (let step = 0; step <= STEPS; step++) {
    const layer = points.map(hidden);
    if (step && step % EVERY === 0) { // before the first steps the error is off the scale
      const drawn = times(SETS, () => error(layer, points, masks())), still = error(layer, points);
      const spread = sum(n, (i) => sum(UNITS, (j) => (layer[i][j] * v[j]) ** 2)) / n;
      curves.one.push(drawn[0]);
      curves.mean.push(sum(SETS, (s) => drawn[s]) / SETS);
      curves.all.push(still + ((1 - keep_prob) / keep_prob) * spread);
      curves.eval.push(still);
      curves.other.push(error(others.map(hidden), others));
    }
    if (step === STEPS) return curves;
    const mask = masks();
    const slope = layer.map((a, i) => 2 * residual(a, points[i], mask[i]) / n);
    times(UNITS, (j) => {
      // Backward: the same scaled mask, and tanh's derivative at the activation before dropout.
      const dz = layer.map((a, i) => slope[i] * v[j] * mask[i][j] * (1 - a[j] ** 2));
      v[j] -= RATE * sum(n, (i) => slope[i] * layer[i][j] * mask[i][j]);
      W[j] = W[j].map((w, d) => w - RATE * sum(n, (i) => dz[i] * points[i].x[d]));
      b[j] -= RATE * sum(n, (i) => dz[i]);
    });
    c -= RATE * sum(n, (i) => slope[i]);
  }
}

export default define({
  name: "two-modes",
  box: [WIDTH, HEIGHT],
  controls: [
    { id: "keep_prob", label: "keep_prob", type: "range", min: 0.2, max: 1, step: 0.1, value: 0.6,
      restarts: true },
    { id: "average", label: "Average 20 sets of masks", type: "check", value: false },
    { id: "other", label: "Show points not trained on", type: "check", value: false },
    { id: "again", label: "New points and weights", type: "button" },
  ],
  start: train,
  act: (memory, id, values, random) => train(values, random),
  model({ average, other }, { one, mean, all, eval: still, other: held }) {
    const curves = [average ? mean : one, still, ...(other ? [held] : [])];
    const last = (curve) => curve[curve.length - 1];
    return { curves, last: curves.map(last), all: last(all) };
  },
  draw({ curves }) {
    const x = (step) => LEFT + (step / STEPS) * (RIGHT - LEFT);
    const y = (error) => TOP + (Math.log(error) / Math.log(LOW)) * (BOTTOM - TOP);
    const text = (at, line, inside, anchor = "start") =>
      tag("text", { class: "tick", x: at, y: line, "text-anchor": anchor }, inside);
    let out = "";
    for (const error of [LOW, 0.1, 0.2, 0.5, 1]) {
      const height = y(error);
      out += tag("line", { class: error > LOW ? "grid" : "axis", x1: LEFT, x2: RIGHT, y1: height, y2: height });
      out += text(LEFT - 5, height + 4, error, "end");
    }
    for (let step = 0; step <= STEPS; step += STEPS / 4) out += text(x(step), BOTTOM + 18, step, "middle");
    out += text(RIGHT, BOTTOM + 36, "training step", "end");
    out += text(2, 62, "mean squared error (logarithmic axis)");
    ["train mode", "eval mode", "eval mode, points not trained on"].slice(0, curves.length).forEach((name, c) => {
      const style = `series-${c + 1}${c === 1 ? " dashed" : ""}`;
      const dots = curves[c].map((error, i) => [x((i + 1) * EVERY), y(error)]);
      const line = dots.map(([a, e]) => `${a.toFixed(1)} ${e.toFixed(1)}`).join("L");
      out += tag("path", { class: style, d: `M${line}` });
      // Train mode has dots too: one for each time that masks were drawn.
      if (c === 0) out += dots.map(([cx, cy]) => tag("circle", { class: style, cx, cy, r: 2 })).join("");
      const left = c === 1 ? 130 : 2, height = c === 2 ? 32 : 14;
      out += tag("line", { class: style, x1: left, x2: left + 24, y1: height - 4, y2: height - 4 });
      out += text(left + 30, height, name);
    });
    return out;
  },
  say({ last, all }, { average, keep_prob }) {
    const show = (error) => error.toPrecision(3);
    const other = last.length > 2 ? `, ${show(last[2])} on 100 points not trained on` : "";
    return `After ${STEPS} steps at keep_prob ${keep_prob}, the mean squared error is ${show(last[0])} in train ` +
      `mode (${average ? `mean of ${SETS} sets of masks` : "one set of masks"}; over all masks ` +
      `${show(all)}) and ${show(last[1])} in eval mode${other}.`;
  },
});
