// The page of a run, in a browser: what is on it, what hover, hiding and the keyboard do, and in which circumstances.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { allPublished, browser as launch, inaccessible, open, picture, published, rendered, sideways } from "./lab.mjs";

const WIDE = ".plot.wide";
const UNITS = { ns: 1, "µs": 1e3, ms: 1e6, s: 1e9 };

/** The published run with probes after a revoke, and with other attacks than its own. */
const attacked = () => {
  const run = published("thousandfold");
  for (const slice of run.slices) delete slice.attacks;
  const first = (name) => run.slices.find(({ variant }) => variant === name);
  Object.assign(first("md5-article"), {
    probed: 112_695, stale: 7_254, attacks: { theft: { tried: 500, passed: 500 }, replay: { tried: 400, passed: 0 } },
  });
  Object.assign(first("sha256-route"), { probed: 113_354, attacks: { theft: { tried: 500, passed: 0 } } });
  run.merged.push({
    variant: "md5-article", load: "one-user", step: "items", metric: "stale", count: 7_254, min: 1_000, mean: 4e8,
    max: 975_000_000, percentiles: [4e8, 6e8, 8e8, 95e7, 97e7, 975_000_000],
  });
  return run;
};

const runs = {
  thousandfold: published("thousandfold"),
  "http-tax": published("http-tax"),
  pacing: published("pacing"),
  attacked: attacked(),
};

/** The charts that a run must have, by heading, and how many curves each has. */
const charts = (run) => {
  const expected = {};
  for (const load of run.scenario.loads) for (const step of load.steps) {
    // Closed users have one latency, open arrivals two.
    const latencies = load.open ? { response: " of response time", service: " of service time" } : { service: "" };
    for (const [metric, of] of Object.entries(latencies)) {
      const curves = run.merged.filter((figure) =>
        figure.load === load.name && figure.step === step && figure.metric === metric && figure.count && figure.curve?.length);
      if (curves.length) expected[`Percentiles${of}: ${load.name}, ${step}`] = curves.length;
    }
  }
  const { load, step } = run.scenario.ladder.latency;
  const over = new Set(run.slices.filter((slice) => slice.load === load
    && slice.figures.some((figure) => figure.step === step && figure.metric === "service" && figure.count)).map(({ variant }) => variant));
  expected[`Over the run: ${load}, ${step}`] = over.size;
  return expected;
};

const { thousandfold } = runs;
/** The chart of the ladder's own load and step. */
const at = thousandfold.scenario.ladder.latency;
const LADDER = `Percentiles: ${at.load}, ${at.step}`;
const [slow, second, third] = thousandfold.variants.map(({ label }) => label);

/** How much of `72.0 µs` is in the text, in nanoseconds. */
const ns = (text) => {
  const [, number, unit] = text.match(/([\d.]+) (ns|µs|ms|s)$/);
  return Number(number) * UNITS[unit];
};

/** What is read after the variant's name. */
const said = (label, text) => {
  assert.ok(text.startsWith(`${label} `), text);
  return text.slice(label.length + 1);
};

/** Points at one point of a curve, and says what is read there. */
const pointedAt = async (page, section, place, share) => {
  const plot = section.locator(WIDE);
  await plot.scrollIntoViewIfNeeded();
  const at = await plot.locator(`polyline[data-variant="${place}"]`).first().evaluate((line, share) => {
    const points = line.getAttribute("points").trim().split(" ");
    const nth = Math.floor((points.length - 1) * share);
    const [x, y] = points[nth].split(",").map(Number);
    const { a, d, e, f } = line.getScreenCTM();
    return { nth, x: x * a + e, y: y * d + f };
  }, share);
  await page.mouse.move(at.x, at.y);
  return { nth: at.nth, text: await plot.locator("output").textContent() };
};

describe("the page of a run", () => {
  let browser;
  const pages = {};
  before(async () => {
    browser = await launch();
    for (const [name, run] of Object.entries(runs)) pages[name] = rendered(name, run);
  });
  after(() => browser.close());

  for (const [name, run] of Object.entries(runs)) {
    test(`${name}: every chart with its curves and its table, no error, no request, no fault that shuts anyone out`, async () => {
      const { page, faults, close } = await open(browser, pages[name]);
      for (const [title, curves] of Object.entries(charts(run))) {
        const section = page.getByRole("region", { name: title, exact: true });
        assert.equal(await section.locator(`${WIDE} polyline[data-variant]`).count(), curves, title);
        assert.equal(await section.locator(`.plot.narrow polyline[data-variant]`).count(), curves, title);
        assert.equal(await section.locator("table tbody tr").count() >= curves, true, title);
      }
      assert.deepEqual(await inaccessible(page), []);
      assert.deepEqual(faults, []);
      await close();
    });

    test(`${name}: 390 pixels wide, in the dark, on paper`, async () => {
      const narrow = await open(browser, pages[name], { viewport: { width: 390, height: 844 }, colorScheme: "dark" });
      assert.equal(await sideways(narrow.page), 0);
      assert.equal(await narrow.page.locator(WIDE).first().isVisible(), false);
      assert.equal(await narrow.page.locator(".plot.narrow").first().isVisible(), true);
      assert.deepEqual(await inaccessible(narrow.page), []);
      for (const width of [720, 900, 1100]) {
        await narrow.page.setViewportSize({ width, height: 900 });
        assert.equal(await sideways(narrow.page), 0, `${width}`);
      }
      await narrow.page.emulateMedia({ media: "print", colorScheme: "light" });
      await narrow.page.setViewportSize({ width: 720, height: 1000 });
      assert.equal(await sideways(narrow.page), 0, "print");
      assert.equal(await narrow.page.locator(WIDE).first().isVisible(), true);
      // Nothing is folded away on paper, and tables are tables.
      assert.equal(await narrow.page.locator("details table").first().evaluate((table) => table.offsetHeight > 0), true);
      assert.equal(await narrow.page.locator("table").first().evaluate((table) => getComputedStyle(table).display), "table");
      assert.ok((await narrow.page.pdf()).length > 10_000);
      assert.deepEqual(narrow.faults, []);
      await narrow.close();
    });
  }

  test("the page of every published run fits any screen and a sheet of paper", async () => {
    for (const name of allPublished()) {
      const { page, close } = await open(browser, rendered(`fits-${name}`, published(name)));
      for (const width of [390, 720, 1100]) {
        await page.setViewportSize({ width, height: 900 });
        assert.equal(await sideways(page), 0, `${name}, ${width} pixels`);
      }
      await page.emulateMedia({ media: "print", colorScheme: "light" });
      await page.setViewportSize({ width: 720, height: 1000 });
      assert.equal(await sideways(page), 0, `${name}, on paper`);
      await close();
    }
  });

  test("hover says variant, percentile and value, and they are the run's", async () => {
    const { page, faults, close } = await open(browser, pages.thousandfold);
    const section = page.getByRole("region", { name: LADDER, exact: true });
    for (const [place, variant] of thousandfold.variants.entries()) for (const share of [0.3, 0.97]) {
      const { text } = await pointedAt(page, section, place, share);
      // Where two curves cross, either may be read: whichever is named has to say its own value.
      const read = thousandfold.variants.find(({ label }) => text.startsWith(`${label} `));
      assert.ok(read, `${variant.label}: ${text}`);
      const figure = thousandfold.merged.find((figure) => figure.variant === read.name && figure.load === at.load
        && figure.step === at.step && figure.metric === "service");
      const percentile = Number(text.slice(read.label.length).match(/^ ([\d.]+) % · /)[1]);
      const [, value] = figure.curve.find(([of]) => Math.abs(of - percentile) <= (100 - of) * 0.006);
      assert.ok(Math.abs(ns(text) / value - 1) < 0.01, `${text}: ${value}`);
    }
    assert.match(said(slow, (await pointedAt(page, section, 0, 1)).text), /^max · \d+ ms$/);
    await page.mouse.move(0, 0);
    assert.equal(await section.locator(`${WIDE} output`).isVisible(), false);
    const timeline = page.getByRole("region", { name: `Over the run: ${at.load}, ${at.step}` });
    assert.match(said(slow, (await pointedAt(page, timeline, 0, 0)).text), /^block 0, after [\d.]+ s · p50 \d+ ms$/);
    assert.deepEqual(faults, []);
    await close();
  });

  test("a name hides its variant in every chart, and shows it again, by click and by keyboard", async () => {
    const { page, faults, close } = await open(browser, pages.thousandfold);
    const buttons = page.getByRole("button", { name: third });
    const curves = page.locator(`${WIDE} polyline[data-variant="2"]`);
    const others = page.locator(`${WIDE} polyline[data-variant="1"]`);
    const count = await curves.count();
    assert.equal(count, Object.keys(charts(runs.thousandfold)).length);
    assert.equal(await buttons.count(), count);
    const shown = async (wanted) => {
      for (let nth = 0; nth < count; nth++) {
        assert.equal(await curves.nth(nth).isVisible(), wanted, `curve ${nth}`);
        assert.equal(await others.nth(nth).isVisible(), true, `another's curve ${nth}`);
        assert.equal(await buttons.nth(nth).getAttribute("aria-pressed"), String(wanted));
      }
    };
    await shown(true);
    await buttons.first().click();
    await shown(false);
    const section = page.getByRole("region", { name: LADDER, exact: true });
    const hidden = await section.locator(WIDE).evaluate((plot) => {
      plot.focus();
      return plot.matches(":focus");
    });
    assert.ok(hidden, "a chart takes the focus");
    await buttons.nth(1).focus();
    await page.keyboard.press("Enter");
    await shown(true);
    await page.keyboard.press("Space");
    await shown(false);
    assert.deepEqual(await inaccessible(page), []);
    assert.deepEqual(faults, []);
    await close();
  });

  test("arrow keys read a chart, and pass over what is hidden", async () => {
    const { page, close } = await open(browser, pages.thousandfold);
    const section = page.getByRole("region", { name: LADDER, exact: true });
    const reading = section.locator(`${WIDE} output`);
    await section.locator(WIDE).focus();
    await page.keyboard.press("ArrowRight");
    assert.match(said(slow, await reading.textContent()), /^0 % · /);
    await page.keyboard.press("ArrowRight");
    assert.match(said(slow, await reading.textContent()), /^10 % · /);
    await section.getByRole("button", { name: second }).click();
    await section.locator(WIDE).focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowDown");
    assert.match(said(third, await reading.textContent()), /^0 % · /);
    await page.keyboard.press("End");
    assert.match(said(third, await reading.textContent()), /^max · /);
    await page.keyboard.press("Escape");
    assert.equal(await reading.isVisible(), false);
    await close();
  });

  test("the dark is another set of colours, of paper and of curves", async () => {
    const colours = async (colorScheme) => {
      const { page, faults, close } = await open(browser, pages.attacked, { colorScheme });
      const of = await page.evaluate(() => [
        getComputedStyle(document.body).backgroundColor,
        getComputedStyle(document.querySelector("polyline[data-variant]")).stroke,
        getComputedStyle(document.querySelector("td.unsafe")).color,
      ]);
      assert.deepEqual(await inaccessible(page), [], colorScheme);
      assert.deepEqual(faults, []);
      await close();
      return of;
    };
    const [light, dark] = [await colours("light"), await colours("dark")];
    for (const [nth, colour] of light.entries()) assert.notEqual(colour, dark[nth]);
  });

  test("pictures for people are of a run that was made", async () => {
    for (const [name, width, height, colorScheme] of [
      ["light", 1280, 2700, "light"], ["dark", 1280, 2700, "dark"], ["narrow", 390, 2400, "light"],
    ]) {
      const { page, close } = await open(browser, pages.thousandfold, { viewport: { width, height: 844 }, colorScheme });
      await picture(page, `run-${name}`, height);
      await close();
    }
  });

  test("a cell of safety is filled by an attack that was run, and by no other", async () => {
    const { page, close } = await open(browser, pages.attacked);
    const cell = (variant, column) => page.getByRole("table", { name: "Cost and safety" })
      .getByRole("row").filter({ has: page.getByRole("rowheader", { name: variant, exact: true }) })
      .locator(`[data-column="${column}"]`).textContent();
    const plain = async (...of) => (await cell(...of)).replace(/[\u00a0\u202f]/g, " ");
    assert.equal(await plain("md5 + article's cache", "theft"), "100.0 % of 500");
    assert.equal(await plain("md5 + article's cache", "replay"), "0 of 400");
    assert.equal(await plain("md5 + article's cache", "flood"), "–");
    assert.equal(await plain("md5 + article's cache", "stale window"), "975 ms");
    assert.equal(await plain("md5 + article's cache", "revoke"), "6.44 % of 112 695");
    assert.equal(await plain("sha256 + route cache", "stale window"), "0 s");
    assert.equal(await plain("allow-all (control)", "theft"), "–");
    assert.equal(await page.getByRole("region", { name: "After a revoke" }).locator("table tbody tr").count(), 2);
    await close();
  });

  test("without scripts it is whole: no dead buttons, every chart and every table", async () => {
    const { page, close } = await open(browser, pages.thousandfold, { javaScriptEnabled: false });
    assert.equal(await page.locator("button").count(), 0);
    assert.equal(await page.locator(`${WIDE} svg`).first().isVisible(), true);
    await page.locator("details summary").last().click();
    assert.equal(await page.locator("details table").last().isVisible(), true);
    await close();
  });
});
