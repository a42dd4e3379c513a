// The site of a lab: findings, their badges, and the way to each run.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { browser as launch, inaccessible, open, picture, published, site, sideways } from "./lab.mjs";

const NAMES = ["thousandfold", "pacing"];
const VARIANTS = published("thousandfold").variants.length;

describe("the site of a lab", () => {
  let browser;
  let address;
  before(async () => {
    browser = await launch();
    address = site(NAMES);
  });
  after(() => browser.close());

  for (const [colorScheme, width] of [["light", 1280], ["dark", 1280], ["light", 390]]) {
    test(`${colorScheme}, ${width} pixels wide: nothing wrong, nothing asked for`, async () => {
      const { page, faults, close } = await open(browser, address, { colorScheme, viewport: { width, height: 844 } });
      assert.equal(await sideways(page), 0);
      assert.deepEqual(await inaccessible(page), []);
      assert.deepEqual(faults, []);
      await picture(page, `site-${width < 400 ? "narrow" : colorScheme}`, 1400);
      await close();
    });
  }

  test("each finding has its badge and its picture, and leads to its run", async () => {
    const { page, close } = await open(browser, address);
    for (const name of NAMES) {
      const card = page.getByRole("region", { name: new RegExp(`^${name}`) });
      assert.equal(await card.locator(".badge").textContent(), "valid");
      // A run of one variant compares nothing.
      assert.equal(await card.locator(".picture .plot.wide svg circle").count(), name === "pacing" ? 0 : VARIANTS);
      await card.getByRole("link", { name }).click();
      assert.equal(await page.locator("h1").textContent(), name);
      await page.goBack();
    }
    await close();
  });
});
