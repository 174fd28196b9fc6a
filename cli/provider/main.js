// `node main.js --port N --client-id ID --redirect-uri URI [--redirect-uri URI…] [--exit-with-stdin]`: the example provider for
// one application, whose secret is in the environment, where no list of processes shows it.
import { parseArgs } from "node:util";
import { startProvider } from "./provider.js";

const OPTIONS = {
  port: { type: "string" },
  "client-id": { type: "string" },
  "redirect-uri": { type: "string", multiple: true },
  "exit-with-stdin": { type: "boolean" },
};

try {
  await main();
} catch (error) {
  console.error(`provider: ${error.error_description ?? error.message}`);
  process.exit(1);
}

async function main() {
  const { values } = parseArgs({ options: OPTIONS });
  for (const name of ["port", "client-id", "redirect-uri"]) if (!values[name]) throw new Error(`--${name} is missing`);
  if (!/^\d{1,5}$/.test(values.port) || values.port > 65535) throw new Error("--port must be a number up to 65535");
  if (!process.env.PROVIDER_CLIENT_SECRET) throw new Error("PROVIDER_CLIENT_SECRET is not set");
  endWith(values["exit-with-stdin"]);
  const [id, secret] = [values["client-id"], process.env.PROVIDER_CLIENT_SECRET];
  const clients = [{ client_id: id, client_secret: secret, redirect_uris: values["redirect-uri"] }];
  const { issuer, provider } = await startProvider({ port: Number(values.port), clients });
  await provider.Client.find(id); // The library looks at a client when it is first asked for.
  console.log(JSON.stringify({ issuer, client_id: id }));
}

function endWith(stdin) {
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
  if (stdin) process.stdin.on("close", () => process.exit(0)).resume();
}
