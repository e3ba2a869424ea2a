// Opens /docs in a browser that can reach nothing but the program, looks whether the whole API is there, and tries a
// call. Arguments: the program's URL, the browser, the picture to write, and a path to try with GET.
import puppeteer from "puppeteer-core";

const [url, executablePath, picture, tried] = process.argv.slice(2);
const browser = await puppeteer.launch({
  executablePath,
  headless: true,
  // Every name but the program's address is one that does not exist.
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"],
});
const fail = (text) => {
  throw new Error(text);
};
try {
  const page = await browser.newPage();
  await page.setViewport({ width: 1200, height: 1600 });
  const wrong = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) wrong.push(`asked for ${request.url()}`);
  });
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") wrong.push(message.text());
  });
  page.on("requestfailed", (request) => wrong.push(`${request.url()} failed`));
  await page.goto(`${url}/docs`, { waitUntil: "networkidle0", timeout: 60000 });
  await page.waitForSelector("body[data-ready=true] .opblock", { timeout: 60000 });

  // Every operation of the document stands on the page.
  const api = await (await fetch(`${url}/openapi.json`)).json();
  const methods = ["get", "put", "post", "delete", "patch"];
  const wanted = Object.entries(api.paths).flatMap(([path, item]) =>
    methods.filter((method) => item[method]).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const shown = await page.$$eval(".opblock", (blocks) =>
    blocks.map((block) => {
      const path = block.querySelector(".opblock-summary-path").getAttribute("data-path");
      return `${block.querySelector(".opblock-summary-method").textContent} ${path}`;
    }),
  );
  const missing = wanted.filter((operation) => !shown.includes(operation));
  if (missing.length > 0) fail(`the page lacks ${missing.join(", ")}`);
  await page.screenshot({ path: picture, fullPage: true });

  // A call, as a person makes it.
  const block = `.opblock-get:has([data-path="${tried}"])`;
  await page.click(`${block} .opblock-summary-control`);
  await page.waitForSelector(`${block} .execute`, { timeout: 10000 });
  await page.click(`${block} .execute`);
  await page.waitForSelector(`${block} .live-responses-table .response-col_status`, { timeout: 10000 });
  const status = await page.$eval(`${block} .live-responses-table .response .response-col_status`, (cell) =>
    cell.textContent.trim().slice(0, 3),
  );
  if (status !== "200") fail(`GET ${tried} was answered with ${status}`);
  if (wrong.length > 0) fail(wrong.join("\n"));
  console.log(`${shown.length} operations are shown, and GET ${tried} was tried: ${status}`);
} finally {
  await browser.close();
}
