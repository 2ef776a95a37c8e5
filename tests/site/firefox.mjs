// node firefox.mjs BROWSER ADDRESS: what a page does in Firefox, as JSON.
import puppeteer from "puppeteer-core";

const [executablePath, address] = process.argv.slice(2);
const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true });
const page = await browser.newPage();
const complaints = [];
page.on("console", (message) => { if (["error", "warn"].includes(message.type())) complaints.push(message.text()); });
page.on("pageerror", (error) => complaints.push(String(error)));
await page.goto(`${address}learn/mask/`);
await page.waitForFunction("document.querySelector('run-cell')?.bar && document.querySelector('mask-machine')?.bar");
const found = await page.evaluate(async () => {
  const cell = document.querySelector("run-cell");
  await cell.run();
  const figure = document.querySelector("mask-machine"), slider = figure.querySelector("input[type=range]");
  const before = figure.querySelector(".interactive__said").textContent;
  slider.value = "0.3";
  slider.dispatchEvent(new Event("input"));
  await new Promise((done) => setTimeout(done, 600)); // the sentence waits until the slider rests
  const fraction = document.querySelector(".formula mfrac, .formula mtable, .formula munder, .formula math");
  return {
    state: cell.dataset.state, same: cell.dataset.same, said: cell.status.textContent,
    formula: fraction.getBoundingClientRect().height, figure: figure.querySelectorAll("svg *").length,
    moved: figure.querySelector(".interactive__said").textContent !== before,
  };
});
console.log(JSON.stringify({ ...found, complaints }));
await browser.close();
