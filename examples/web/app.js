// A page that anybody may read, and that shows more to whoever has signed in. The tokens are in cookies, out of this script's reach.
import { createClient, GateletError } from "./client/index.js";

const { apiKey } = await (await fetch("settings.json")).json();
// Behind API Gateway, an authorizer says 403 to a token that is not good any more.
const client = createClient({ baseUrl: location.origin, apiKey, delivery: "cookie", refreshOn: [401, 403] });

const $ = (id) => document.getElementById(id);

let shown = 0;

/** Shows everything as it is now. What was asked for before that and comes later is out of date. */
async function show() {
  const turn = ++shown;
  const [user, catalogue] = await Promise.all([client.whoami(), client.fetch("/catalogue")]);
  const { items = [] } = await catalogue.json();
  const sessions = user.authenticated ? await client.sessions() : [];
  if (turn !== shown) return;
  list($("items"), items, (item, name) => item.append(name));
  $("items").setAttribute("aria-busy", "false");
  $("who").textContent = user.authenticated ? `Signed in as ${user.user_id}` : "Nobody is signed in";
  $("sign-out").hidden = !user.authenticated;
  $("more").hidden = user.authenticated;
  $("entrance").hidden = user.authenticated;
  $("devices").hidden = !user.authenticated;
  showSessions(sessions);
}

function showSessions(sessions) {
  list($("sessions"), sessions, (item, session) => {
    const [device, use] = describe(session);
    const label = element("span", device);
    label.append(element("small", use));
    item.append(label);
    if (session.current) return item.append(element("strong", "this one"));
    const button = element("button", "End this one");
    button.setAttribute("aria-label", `End this one: ${device}, ${use}`);
    button.type = "button";
    button.addEventListener("click", () => act(button, async () => {
      await client.endSession(session.session_id);
      await show();
      $("devices-title").tabIndex = -1;
      $("devices-title").focus();
      tell("That session has ended.");
    }));
    item.append(button);
  });
  $("end-others").hidden = sessions.length < 2;
}

function describe({ user_agent: agent, last_used_at: used, source_ip: address }) {
  const browser = /(Firefox|Edg|Chrome|Safari|curl)\/\d+/.exec(agent ?? "")?.[0] ?? "A device";
  return [browser, `last used ${new Date(used * 1000).toLocaleString()} at ${address ?? "an unknown address"}`];
}

$("credentials").addEventListener("submit", (event) => {
  event.preventDefault();
  const { submitter, target } = event;
  const credentials = Object.fromEntries(new FormData(target));
  act(submitter, async () => {
    mark([]);
    if (submitter.value === "sign-up") await client.register(credentials);
    await client.signIn(credentials);
    target.reset();
  });
});
$("sign-out").addEventListener("click", (event) => act(event.target, () => client.signOut()));
$("end-others").addEventListener("click", (event) => act(event.target, async () => {
  await client.endSessions({ keepCurrent: true });
  await show();
  tell("All other sessions have ended.");
}));

// These happen in other tabs too.
client.on("signedIn", () => act(null, async () => {
  await show();
  tell("Welcome.");
  $("catalogue").focus();
}));
client.on("sessionEnded", () => act(null, async () => {
  await show();
  tell("You are signed out.");
  $("user-id").focus();
}));

/** Does something, and says why if it can't. The button that was pressed waits meanwhile. */
async function act(button, work) {
  if (button) button.disabled = true;
  try {
    await work();
  } catch (error) {
    mark(error.errors ?? []);
    tell(explain(error));
  } finally {
    if (button) button.disabled = false;
  }
}

/** What a person is told. No answer at all is a `TypeError` of `fetch`, and changes nothing. */
function explain(error) {
  if (error.code === "network_error" || error instanceof TypeError) return "The server can't be reached. Nothing is lost: try again.";
  if (!(error instanceof GateletError)) throw error;
  if (error.code === "validation_failed") return "Please look at what is marked.";
  const wait = error.retryAfter ? ` Try again in ${Math.ceil(error.retryAfter)} s.` : "";
  return `Sorry: ${error.message}.${wait}`;
}

/** Says beside each input what is wrong with it, and goes to the first. */
function mark(errors) {
  for (const input of $("credentials").querySelectorAll("input")) {
    const wrong = errors.find((error) => error.field === input.name);
    $(`${input.id}-error`).textContent = wrong?.detail ?? "";
    if (wrong) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
  $("credentials").querySelector("[aria-invalid]")?.focus();
}

function tell(text) {
  $("notice").textContent = text;
}

function list(parent, entries, fill) {
  parent.replaceChildren(...entries.map((entry) => {
    const item = element("li", "");
    fill(item, entry);
    return item;
  }));
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

await act(null, show);
