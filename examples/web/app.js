// A page that anybody may read, and that shows more to whoever has signed in. The tokens are in cookies, out of this script's reach.
import { createClient, createProviders, GateletError } from "./client/index.js";

const { apiKey, clientId, provider } = await (await fetch("settings.json")).json();
// A provider sends the browser back to where the API says that it is, and this machine has two names with cookies of their own.
if (provider && location.hostname === "localhost") location.hostname = "127.0.0.1";
// Behind API Gateway, an authorizer says 403 to a token that is not good any more.
const client = createClient({ baseUrl: location.origin, apiKey, delivery: "cookie", refreshOn: [401, 403] });
const providers = createProviders(client, { clientId });
/** Sign-ins at a provider end here: it stands in the application's list. */
const returnTo = new URL(".", location.href).href;

const $ = (id) => document.getElementById(id);

let shown = 0;

/** Shows everything as it is now. What was asked for before that and comes later is out of date. */
async function show() {
  const turn = ++shown;
  const [user, catalogue] = await Promise.all([client.whoami(), client.fetch("/catalogue")]);
  const { items = [] } = await catalogue.json();
  const [sessions, ways] = user.authenticated ? await Promise.all([client.sessions(), providers.identities()]) : [[], { identities: [] }];
  if (turn !== shown) return;
  list($("items"), items, (item, name) => item.append(name));
  $("items").setAttribute("aria-busy", "false");
  $("who").textContent = user.authenticated ? `Signed in as ${nameOf(user, ways)}` : "Nobody is signed in";
  $("sign-out").hidden = !user.authenticated;
  $("more").hidden = user.authenticated;
  $("entrance").hidden = user.authenticated;
  $("provided").hidden = !provider;
  $("devices").hidden = !user.authenticated;
  $("ways").hidden = !user.authenticated;
  $("link").hidden = !provider;
  showSessions(sessions);
  showWays(ways);
}

/** Who came by a provider has no name here. */
function nameOf(user, { identities: [first] }) {
  return user.user_id ?? first?.email ?? "somebody without a name";
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
      $("devices-title").focus();
      tell("That session has ended.");
    }));
    item.append(button);
  });
  $("end-others").hidden = sessions.length < 2;
}

function showWays({ has_password: hasPassword, identities }) {
  list($("identities"), [...(hasPassword ? [undefined] : []), ...identities], (item, identity) => {
    if (!identity) return item.append(element("span", "Your password"));
    const name = `${identity.email ?? "You"} at the ${identity.provider} provider`;
    const label = element("span", name);
    label.append(element("small", `linked ${new Date(identity.linked_at * 1000).toLocaleString()}`));
    const button = element("button", "Remove");
    button.setAttribute("aria-label", `Remove: ${name}`);
    button.type = "button";
    button.addEventListener("click", () => act(button, async () => {
      await providers.unlink(identity.identity_id);
      await show();
      $("ways-title").focus();
      tell("That does not sign you in any more.");
    }));
    item.append(label, button);
  });
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

// These leave the page. What comes of them is told when it is loaded again, at the end of this file.
$("sign-in-there").addEventListener("click", (event) => act(event.target, () => providers.signIn(provider, { returnTo })));
$("link").addEventListener("click", (event) => act(event.target, () => providers.link(provider, { returnTo })));

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

/** What a person is told of what can happen between leaving for a provider and coming back, and of the ways to sign in. */
const MEANINGS = {
  access_denied: "The sign-in was cancelled. Nothing has changed.",
  identity_taken: "That already signs in somebody else.",
  invalid_code: "That took too long. Please start again.",
  invalid_state: "This sign-in was not begun in this tab, or it is over. Please start again.",
  last_credential: "This is your only way to sign in, so it stays. Link another one first.",
  not_signed_in: "You are not signed in any more. Please sign in, and start again.",
  server_error: "The provider could not sign you in. Please try again.",
};

/** What a person is told. No answer at all is a `TypeError` of `fetch`, and changes nothing. */
function explain(error) {
  if (error.code === "network_error" || error instanceof TypeError) return "The server can't be reached. Nothing is lost: try again.";
  if (!(error instanceof GateletError)) throw error;
  if (error.code === "validation_failed") return "Please look at what is marked.";
  if (MEANINGS[error.code]) return MEANINGS[error.code];
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

let back;
await act(null, async () => (back = await providers.finish()));
await act(null, show);
if (back?.did === "link") {
  tell("From now on, that signs you in too.");
  $("ways-title").focus();
}
