// How many bytes a page loads, minified and compressed as a server does. Fails over the budget.
import { build } from "esbuild";
import { gzipSync } from "node:zlib";

/** The core, in bytes. */
const BUDGET = 4096;
/** What signing in at providers adds. */
const PROVIDERS_BUDGET = 1536;

async function size(names) {
  const contents = `import { ${names} } from "./dist/index.js"; console.log(${names});`;
  const options = { bundle: true, minify: true, format: "esm", write: false, target: "es2022" };
  const { outputFiles } = await build({ ...options, stdin: { contents, resolveDir: new URL("..", import.meta.url).pathname } });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

const core = await size("createClient");
const providers = (await size("createClient, createProviders")) - core;
console.log(`core ${core} bytes (budget ${BUDGET}), providers ${providers} more (budget ${PROVIDERS_BUDGET}), with axios ${await size("createClient, attachAxios")}`);
if (core > BUDGET || providers > PROVIDERS_BUDGET) process.exit(1);
