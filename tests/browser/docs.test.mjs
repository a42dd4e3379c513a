// The reference server's /docs: Swagger UI, from the binary, without a network.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { authlab, browser as launch, inaccessible, open, picture } from "./lab.mjs";

// All markup of that page is Swagger UI's own, and no setting changes it. What it is known to lack, by axe's names of it;
// whatever else turns up is news.
const KNOWN_OF_SWAGGER_UI = [
  "button-name", // its moon, and its buttons that copy
  "color-contrast", // its stamps of versions, and what it prints of deprecated routes
  "label", // the field that holds the document's address
  "nested-interactive", // the line of each route, a button that holds buttons
];

describe("/docs", () => {
  let browser;
  let server;
  let origin;
  before(async () => {
    browser = await launch();
    server = spawn(authlab, ["serve", "--listen", "127.0.0.1:0", "--password", "sha256"], { stdio: ["ignore", "pipe", "pipe"] });
    origin = await Promise.race([
      new Promise((told) => {
        for (const stream of [server.stdout, server.stderr])
          createInterface({ input: stream }).on("line", (line) => {
            const at = line.match(/listening on (http:\S+)/);
            if (at) told(at[1]);
          });
      }),
      once(server, "exit").then(() => assert.fail("authlab serve ended")),
    ]);
  });
  after(async () => {
    server.kill();
    await browser.close();
  });

  test("lists every route, runs one, and asks nobody else", async () => {
    const { page, faults, close } = await open(browser, `${origin}/docs/`, { origin });
    await page.locator(".opblock").first().waitFor();
    const { paths } = await (await fetch(`${origin}/openapi.json`)).json();
    const methods = ["get", "post", "put", "patch", "delete"];
    const routes = Object.values(paths).flatMap((path) => Object.keys(path).filter((name) => methods.includes(name)));
    assert.ok(routes.length > 5);
    assert.equal(await page.locator(".opblock").count(), routes.length);

    const health = page.locator(".opblock").filter({ has: page.locator('[data-path="/healthz"]') }).first();
    await health.locator(".opblock-summary-control").click();
    await health.getByRole("button", { name: "Try it out" }).click();
    await health.getByRole("button", { name: "Execute" }).click();
    const answered = health.locator(".live-responses-table .response-col_status").last();
    await answered.waitFor();
    assert.match(await answered.textContent(), /^200/);

    const found = await inaccessible(page);
    for (const fault of found) console.log(`Swagger UI's own: ${fault}`);
    assert.deepEqual(found.filter((fault) => !KNOWN_OF_SWAGGER_UI.some((id) => fault.includes(` ${id}:`))), []);
    assert.deepEqual(faults, []);
    // Above the address of what was run: its port is another each time.
    await picture(page, "docs", 1000);
    await close();
  });
});
