// Somebody who signs in at the example provider, with a browser that shows nothing.
const MOST_STEPS = 20;

export class Person {
  /** Cookies know no ports, and paths do not matter here: one jar for everything on this machine. */
  #cookies = new Map();

  constructor(login) {
    this.login = login;
  }

  /** Goes from `url` to where the application wanted the browser, which is the first address that begins with `returnTo`. */
  async walk(url, returnTo, action = "continue") {
    let request = { url, init: {} };
    for (let step = 0; step < MOST_STEPS; step++) {
      const answer = await this.#ask(request);
      const location = answer.headers.get("location");
      if (!location && answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()} at ${request.url}`);
      if (location) request = { url: new URL(location, request.url).href, init: {} };
      else request = { url: this.#formOf(await answer.text(), request.url), init: { method: "POST", body: this.#filled(action) } };
      if (request.url.startsWith(returnTo)) return request.url;
    }
    throw new Error("the way has no end");
  }

  async #ask({ url, init }) {
    const cookie = [...this.#cookies].map((pair) => pair.join("=")).join("; ");
    const answer = await fetch(url, { ...init, redirect: "manual", headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [name, value] = line.split(";", 1)[0].split("=");
      this.#cookies.set(name, value);
    }
    return answer;
  }

  #formOf(page, url) {
    return new URL(/<form method="post" action="([^"]+)"/.exec(page)[1], url).href;
  }

  #filled(action) {
    return new URLSearchParams({ login: this.login, action, email_verified: "on" });
  }
}
