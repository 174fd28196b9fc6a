"""What each function may do: every role tries every action on every table and kind of key, and the emulator's IAM decides.

The outcome is compared with infra/privileges.md. `infra/verify --bless` writes that page anew, for a reviewer to read.
"""

from concurrent.futures import ThreadPoolExecutor

from .probes import LETTERS, READS, TABLES, Probe
from .report import differences
from .templates import of_type
from .tools import ROOT

PAGE = ROOT / "infra/privileges.md"
COLUMNS = [column for _, _, kinds in TABLES.values() for column, _ in kinds]
PRIVATE = "signing_keys `private`"

# Who issues access tokens. Nobody else ever reads a private key, whatever the page says.
SIGNERS = {"Authenticate", "OauthCallback", "OauthExchange", "Refresh"}

# Who reads client secrets, those of `OAuthSecretArns` only.
RELYING = "OauthCallback"

INTRODUCTION = """# What each function may do

Written by `infra/verify --bless`, and compared by `infra/verify`: with the rights of its deployed role, each function tried every action on every
table and kind of key, with all options on. Empty is nothing. Beside the tables, a role may write to its own log, send traces if tracing
is on, and have DynamoDB use the signing keys' encryption key for it; OauthCallback may also read the client secrets that `OAuthSecretArns`
lists. It was refused everything else that it tried.

"""


def verify(report, stack, provider, bless):
    """All checks of this level."""
    report.heading("Privileges")
    resources = stack.resources()
    stems = [id.removesuffix("Function") for id in of_type(stack.template, "AWS::Lambda::Function")]
    logs = {stem: resources[f"{stem}Logs"] for stem in stems}

    def probe(stem):
        tried = Probe(stack.emulator, resources[f"{stem}Role"], resources)
        return tried.tables().elsewhere(logs[stem], logs.values())

    with ThreadPoolExecutor(4) as pool:
        probes = dict(zip(stems, pool.map(probe, stems)))
    tried = sum(probe.tried for probe in probes.values())
    page = render({stem: probe.allowed for stem, probe in probes.items()})
    if bless:
        PAGE.write_text(page)
    expected = PAGE.read_text() if PAGE.exists() else ""
    report.check(f"each role may do what infra/privileges.md says and nothing else ({tried} requests)",
                 differences(set(page.splitlines()), set(expected.splitlines())))
    report.check("none but those who sign can read a private key, alone or beside another", lambda: _readers(probes))
    report.check("none but OauthCallback can read a client secret, and it only those that are listed",
                 lambda: _relying(probes, provider))
    report.check("transactions, logs and other services: nothing beyond that page",
                 [problem for probe in probes.values() for problem in probe.problems])


def render(rows):
    """The page: a line for each function, a column for each kind of key."""
    lines = ["| function | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for stem in sorted(rows):
        cells = ["".join(letter for letter in LETTERS if letter in rows[stem][column]) for column in COLUMNS]
        lines.append(f"| {stem} | " + " | ".join(cells) + " |")
    legend = "\n".join(f"- {letter}: {meaning}" for letter, meaning in LETTERS.items())
    return INTRODUCTION + "\n".join(lines) + "\n\n" + legend + "\n"


def _relying(probes, provider):
    for stem, probe in probes.items():
        read = {name for name, arn in provider.arns.items() if probe.reads(arn)}
        expected = {"parameter", "secret"} if stem == RELYING else set()
        if read != expected:
            yield f"{stem} may read {sorted(read)}"


def _readers(probes):
    for stem, probe in probes.items():
        if stem in SIGNERS:
            continue
        if letters := probe.allowed[PRIVATE] & READS:
            yield f"{stem} may read it: {''.join(sorted(letters))}"
        for other in ("public", "mac", "rotation"):
            if probe.both("private", other) or probe.both(other, "private"):
                yield f"{stem} may read it beside `{other}`"
    if not SIGNERS <= {stem for stem, probe in probes.items() if probe.allowed[PRIVATE] & READS}:
        yield "not even those who sign can: the probe is broken"
