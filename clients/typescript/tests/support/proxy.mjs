// Stands in front of a stack and breaks answers: what a lost connection, a restarting proxy or a throttling gateway does.
import { once } from "node:events";
import http from "node:http";

export class Proxy {
  /** Each request that came: `POST /api/v1/auth/refresh`. */
  seen = [];
  /** What happens to a request: `undefined` lets it pass. Called with its name, method and path. */
  fault = () => undefined;

  static async start(target) {
    const proxy = new Proxy();
    proxy.target = new URL(target);
    proxy.server = http.createServer((request, response) => void proxy.#serve(request, response));
    proxy.server.listen(0, "127.0.0.1");
    await once(proxy.server, "listening");
    proxy.url = `http://127.0.0.1:${proxy.server.address().port}`;
    return proxy;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** How many requests of this name came. */
  count(name) {
    return this.seen.filter((seen) => seen === name).length;
  }

  /** The first `times` requests of `name` meet `fault`; the others pass. */
  break(name, fault, times = 1) {
    this.fault = (seen) => (seen === name && times-- > 0 ? fault : undefined);
  }

  heal() {
    this.fault = () => undefined;
    this.seen = [];
  }

  async #serve(request, response) {
    const name = `${request.method} ${request.url.split("?")[0]}`;
    this.seen.push(name);
    const fault = await this.fault(name, request);
    if (fault === "refuse") return request.socket.destroy(); // Before the server has heard of it.
    if (fault?.status) return request.resume().on("end", () => answer(response, fault));
    const { hostname, port } = this.target;
    const options = { hostname, port, path: request.url, method: request.method, headers: request.headers };
    const forwarded = http.request(options, (real) => {
      const chunks = [];
      real.on("data", (chunk) => chunks.push(chunk));
      real.on("end", () => {
        const body = Buffer.concat(chunks);
        if (fault === "lose") return request.socket.destroy(); // The server has done it, and nobody hears of it.
        response.writeHead(real.statusCode, real.headers);
        if (fault !== "halve") return response.end(body);
        response.write(body.subarray(0, body.length / 2), () => request.socket.destroy());
      });
    });
    forwarded.on("error", () => request.socket.destroy());
    request.pipe(forwarded);
  }
}

function answer(response, { status, headers = {}, body = '{"message":"made up by the proxy"}' }) {
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(body);
}
