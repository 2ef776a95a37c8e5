// node still.mjs < requests: for each line {"file", "seed", "values", "presses"}, what that figure
// shows after these buttons were pressed, as one line of JSON.
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

for await (const line of createInterface({ input: process.stdin })) {
  const { file, seed, values = {}, presses = [] } = JSON.parse(line);
  const { generator, initial } = await import(pathToFileURL(resolve(file, "../base.js")));
  const { default: figure } = await import(pathToFileURL(resolve(file)));
  const chosen = { ...initial(figure), ...values };
  const random = generator(seed);
  let memory = figure.start(chosen, random);
  for (const id of presses) memory = figure.act(memory, id, chosen, random);
  const numbers = figure.model(chosen, memory);
  const svg = figure.draw(numbers, chosen), said = figure.say(numbers, chosen);
  const { box, controls } = figure;
  console.log(JSON.stringify({ svg, said, numbers, memory, box, controls }));
}
