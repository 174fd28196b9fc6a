// How an answer is spoilt on its way out.
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { GONE } from "../../cli/provider/provider.js";

const HUGE_BYTES = 100 * 1024 * 1024;

/** Answers with the routes of a variant, by path, and with `pass` where there is none. Counts what is asked for. */
export function answering(pass, routes) {
  const counts = {};
  return (request, response) => {
    const path = folded(request.url);
    if (path === "/control/counts") return json(counts)(request, response);
    if (!path.startsWith("/control/")) counts[path] = (counts[path] ?? 0) + 1;
    (routes[path] ?? pass)(request, response);
  };
}

/** The path without what is another for each sign-in: `/interaction/*`. */
function folded(url) {
  return url.split("?")[0].replace(/^\/(auth|interaction)\/.+/, "/$1/*");
}

/** Keeps back what `pass` answers until `edit` has changed `{ status, location, body }`. */
export function edited(pass, edit) {
  return held(pass, async (response, body) => {
    const answer = { status: response.statusCode, location: response.getHeader("Location"), body };
    await edit(answer);
    response.statusCode = answer.status;
    if (answer.location) response.setHeader("Location", answer.location);
    response.setHeader("Content-Length", Buffer.byteLength(answer.body));
    response.end(answer.body);
  });
}

/** As `edited`, for answers that are JSON. `edit` returns the new value. */
export function editedJson(pass, edit) {
  return edited(pass, async (answer) => {
    answer.body = JSON.stringify(await edit(JSON.parse(answer.body)));
  });
}

/** As `edited`, for redirects to the relying party. `edit` changes the parameters of the URL. */
export function editedRedirect(pass, edit) {
  return edited(pass, (answer) => {
    const url = answer.location && URL.canParse(answer.location) && new URL(answer.location);
    if (!url || !(url.searchParams.has("code") || url.searchParams.has("error"))) return;
    edit(url.searchParams);
    answer.location = url.href;
  });
}

/** Says the truth, with 100 MB before it: only whoever stops reading notices. */
export function huge(pass) {
  return held(pass, (response, body) => {
    response.removeHeader("Content-Length");
    return pipeline(Readable.from(padded(body)), response);
  });
}

function* padded(body) {
  const chunk = "a".repeat(64 * 1024);
  yield '{"padding":"';
  for (let bytes = 0; bytes < HUGE_BYTES; bytes += chunk.length) yield chunk;
  yield `",${body.slice(1)}`;
}

/** Says the truth, one byte a second. */
export function slowDrip(pass) {
  return held(pass, (response, body) => {
    let next = 0;
    const timer = setInterval(() => (next < body.length ? response.write(body[next++]) : response.end()), 1000);
    response.on("close", () => clearInterval(timer));
    response.removeHeader("Content-Length");
    response.flushHeaders();
  });
}

/** Takes what `pass` writes, and gives the whole body to `send`. */
function held(pass, send) {
  return (request, response) => {
    const { write, end } = response; // Perhaps those of another edit, around this one.
    const chunks = [];
    const keep = (chunk, encoding) => typeof chunk !== "function" && chunk != null && chunks.push(Buffer.from(chunk, encoding));
    response.write = (chunk, encoding) => Boolean(keep(chunk, encoding));
    response.end = (chunk, encoding) => {
      keep(chunk, encoding);
      Object.assign(response, { write, end });
      Promise.resolve(send(response, Buffer.concat(chunks).toString())).catch((error) => gaveUp(response, error));
      return response;
    };
    pass(request, response);
  };
}

function gaveUp(response, error) {
  if (!GONE.has(error.code)) console.error(error);
  response.destroy();
}

/** Never answers. */
export function hang(request) {
  request.resume();
}

/** Leads to itself, again and again. */
export function redirectForever(status) {
  return (request, response) => {
    const [path, query] = request.url.split("?");
    const next = Number(new URLSearchParams(query).get("turn")) + 1;
    fixed(status, "text/plain", "", { Location: `${path}?turn=${next}` })(request, response);
  };
}

export const html = fixed(200, "text/html; charset=utf-8", "<!doctype html><title>Maintenance</title><p>We will be back soon.</p>");
export const broken = json({ error: "server_error" }, 500);

export function json(value, status = 200) {
  // The value may change between requests, as counts do.
  return (request, response) => fixed(status, "application/json", JSON.stringify(value))(request, response);
}

export function fixed(status, type, body, headers = {}) {
  return (request, response) => {
    request.resume();
    response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body), ...headers }).end(body);
  };
}
