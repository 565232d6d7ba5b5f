// Lighthouse's accessibility scores of pages as they stand in the browser that listens at `port`.
// In: {port, cookies, shots: [{url, theme, width, height}]} as JSON. Out: a line of JSON per shot, in their order.
import { readFileSync } from "node:fs";
import { snapshot } from "lighthouse";
import { pageFunctions } from "lighthouse/core/lib/page-functions.js";
import puppeteer from "puppeteer-core";

const PHONE_PX = 600;
const DRAWN = "!document.querySelector('.canvas-loading') && !document.querySelector('yaml-editor:not([data-ready])')";

// A second of computing per page, by which speed is judged; here nobody asks for it.
pageFunctions.computeBenchmarkIndex = function computeBenchmarkIndex() { return 1; };

const { port, cookies, shots } = JSON.parse(readFileSync(0, "utf8"));
const browser = await puppeteer.connect({ browserURL: `http://127.0.0.1:${port}`, defaultViewport: null });
const context = await browser.createBrowserContext();
const page = await context.newPage();
if (cookies.length) await page.setCookie(...cookies);

async function judged({ url, theme, width, height }) {
  const mobile = width < PHONE_PX;
  await page.setViewport({ width, height, isMobile: mobile, hasTouch: mobile });
  await page.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: theme },
    { name: "prefers-reduced-motion", value: "reduce" },
  ]);
  await page.goto(url, { waitUntil: "load", timeout: 60_000 });
  await page.waitForFunction(DRAWN);
  const flags = {
    onlyCategories: ["accessibility"],
    formFactor: mobile ? "mobile" : "desktop",
    screenEmulation: { disabled: true },
    disableFullPageScreenshot: true,
    logLevel: "silent",
  };
  const { lhr } = await snapshot(page, { flags });
  const failed = Object.values(lhr.audits).filter(({ score }) => score !== null && score < 1);
  return {
    landed: lhr.finalDisplayedUrl,
    score: Math.round(100 * lhr.categories.accessibility.score),
    failed: failed.map(({ id, details }) => `${id}: ${(details?.items ?? []).map(({ node }) => node?.snippet).join(" ")}`),
  };
}

for (const shot of shots) {
  const told = await judged(shot).catch((error) => ({ landed: "", score: 0, failed: [error.message] }));
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
await context.close();
await browser.disconnect();
