// What the tests share: pages rendered by the current binary, a browser, and what a page may not do.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const installed = createRequire(join(root, "target", "tmp", "browser", "package.json"));
const { chromium } = installed("playwright-core");
const axe = readFileSync(installed.resolve("axe-core/axe.min.js"), "utf8");
const chromiumPath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

export const authlab = join(root, "target", "debug", "authlab");
const work = join(root, "target", "browser");
const screenshots = join(root, "target", "screenshots");
mkdirSync(screenshots, { recursive: true });

/** The names of the runs that are committed. */
export const allPublished = () => readdirSync(join(root, "reports", "published"))
  .filter((name) => existsSync(join(root, "reports", "published", name, "run.json")));

/** A run as committed. */
export const published = (name) =>
  JSON.parse(readFileSync(join(root, "reports", "published", name, "run.json"), "utf8"));

/** Writes a run into a folder of its own, has it rendered, and says where its page is. */
export const rendered = (name, run) => {
  const folder = join(work, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "run.json"), JSON.stringify(run));
  execFileSync(authlab, ["report", folder], { stdio: ["ignore", "ignore", "inherit"] });
  return join(folder, "index.html");
};

/** The site of a lab whose scenarios have their runs already, all of one profile: nothing is measured. */
export const site = (names) => {
  const into = join("target", "browser", "lab");
  rmSync(join(root, into), { recursive: true, force: true });
  const runs = names.map(published);
  const [{ scenario: { profile } }] = runs;
  for (const [nth, run] of runs.entries()) {
    assert.equal(run.scenario.profile, profile, "of one profile");
    cpSync(dirname(rendered(names[nth], run)), join(root, into, names[nth]), { recursive: true });
  }
  const scenarios = names.map((name) => `scenarios/${name}.toml`);
  // 3 says that a run is not to be believed: it is on the site all the same.
  const { status, stderr } = spawnSync(authlab, ["lab", ...scenarios, "--profile", profile, "--any-build", "--into", into], { cwd: root });
  assert.ok(status === 0 || status === 3, String(stderr));
  return join(root, into, "index.html");
};

export const browser = async () => {
  assert.ok(chromiumPath, "chromium is missing: apt-get install chromium");
  return chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox"] });
};

/** Opens a page; `faults` are its errors, and what it asked for beyond `origin` or its own file. */
export const open = async (browser, address, { origin, ...options } = {}) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(error.message));
  const url = address.startsWith("http") ? address : pathToFileURL(address).href;
  page.on("request", (request) => {
    const own = origin ? request.url().startsWith(origin) || request.url().startsWith("data:") : request.url() === page.url() || request.url() === url;
    if (!own) faults.push(`asks for ${request.url()}`);
  });
  await page.goto(url);
  return { page, faults, close: () => context.close() };
};

/** Serious and critical faults of accessibility, a line each; `except` are selectors that are somebody else's. */
export const inaccessible = async (page, except = []) => {
  await page.evaluate(axe);
  const found = await page.evaluate((except) => window.axe.run({ exclude: except }), except.map((selector) => [selector]));
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.slice(0, 3).map(({ target }) => target).join(" | ")}`);
};

/** How much wider the page is than its window. */
export const sideways = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** A picture of the top of the page, for people. */
export const picture = async (page, name, height) => {
  const { width } = page.viewportSize();
  const whole = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.screenshot({
    path: join(screenshots, `${name}.png`),
    fullPage: true,
    clip: { x: 0, y: 0, width, height: Math.min(height, whole) },
  });
};
