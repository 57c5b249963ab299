#!/usr/bin/env python3
"""Made-up values, valid ones of many types and secret-like ones, go through everything that labeld
does: none is found afterwards in anything that it writes or says but the files themselves.
Arguments: the folder of the built programs, a scratch folder, [values [seed]]."""
import base64
import email.message
import hashlib
import io
import json
import os
import random
import signal
import string
import subprocess
import sys
import time
import uuid
import zipfile

import running
from outbox import Receiver, SECRETS
from running import FINANCE, GENERAL, SITE, Case, Daemon, docx
from webhooks import sign

import numbers_made as made  # beside packages, in samples/

VALUES, SEED = 10000, 1
ALPHABET = string.ascii_letters + string.digits
RULES = f"""
site: {SITE}
labels:
  - {{ name: General, id: {GENERAL} }}
  - {{ name: Finance, id: {FINANCE} }}
recipients: {{ keepers: [%s] }}
rules:
  - {{ name: office files, when: {{ format: [document, spreadsheet, presentation], label: none }}, then: {{ label: General }}, mode: enforce }}
  - {{ name: cards, when: {{ findings: {{ type: [credit-card, iban, aws-access-key], confidence: high }} }}, then: {{ label: Finance, alert: high, notify: [soc], tag: [cards] }}, mode: enforce }}
  - {{ name: leave, when: {{ name: "q-*" }}, then: {{ quarantine: true, alert: medium, notify: [soc] }}, mode: enforce }}
  - {{ name: plans, when: {{ name: "*-plan.*" }}, then: {{ encrypt: [keepers] }}, mode: enforce }}
  - {{ name: unreadable, when: {{ status: [corrupt, hostile, encrypted] }}, then: {{ alert: low, notify: [soc] }}, mode: enforce }}
"""


def letters(rng, count, alphabet=ALPHABET):
    return "".join(rng.choice(alphabet) for _ in range(count))


def mail(rng):
    return f"{letters(rng, 9, string.ascii_lowercase)}.{letters(rng, 7, string.ascii_lowercase)}@firma.test"


def sentence(rng):
    return " ".join(letters(rng, 8, string.ascii_lowercase) for _ in range(4))


KINDS = [
    ("credit card", made.card), ("credit card number", made.card_plain), ("visa", made.mastercard),
    ("IBAN", made.iban), ("IBAN", made.iban_es), ("social security number", made.ssn),
    ("DNI", made.dni), ("NHS number", made.nhs), ("NIR", made.nir), ("PESEL", made.pesel),
    ("Steuer-ID", made.steuer_id), ("e-mail", mail), ("aws_access_key_id =", made.aws_key),
    ("token:", made.github_token), ("password =", lambda rng: letters(rng, 18)),
    ("aws_secret_access_key =", lambda rng: letters(rng, 40)),
    ("-----BEGIN PRIVATE" " KEY-----", lambda rng: letters(rng, 64)),
    ("xoxb-", lambda rng: f"{made.digits(rng, 12)}-{made.digits(rng, 12)}-{letters(rng, 24)}"),
    ("jdbc:postgresql://app:", lambda rng: letters(rng, 20)), ("he said", sentence),
]


# Files -----------------------------------------------------------------------------------------

def xlsx(lines):
    rows = [[line, {"inline": line2}, 7] for line, line2 in zip(lines[::2], lines[1::2])]
    return docx(format="xlsx", sheets=[{"name": "one", "rows": rows[::2]},
                                       {"name": "two", "rows": rows[1::2], "hidden": True}])


def pptx(lines):
    third = len(lines) // 3
    return docx(format="pptx", slides=[{"texts": lines[:third], "notes": " ".join(lines[third:2 * third])},
                                       {"texts": lines[2 * third:]}])


def parts(lines):
    fifth = len(lines) // 5
    return docx(*lines[:2 * fifth], header=" ".join(lines[2 * fifth:3 * fifth]),
                footnotes=lines[3 * fifth:4 * fifth], comments=lines[4 * fifth:])


def archive(lines):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.txt", "\n".join(lines[::2]))
        file.writestr("deep/b.docx", docx(*lines[1::2]))
    return out.getvalue()


def message(lines):
    mail = email.message.EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@firma.test", "b@firma.test", "numbers"
    mail.set_content("\n".join(lines[::2]))
    mail.add_attachment("\n".join(lines[1::2]).encode(), maintype="text", subtype="plain",
                        filename="x.txt")
    return mail.as_bytes()


def xml(lines):
    return ("<rows>" + "".join(f"<row>{line}</row>" for line in lines) + "</rows>").encode()


def cut(data):
    return data[:len(data) * 2 // 3]


FORMS = {
    "txt": lambda lines: "\n".join(lines).encode(),
    "csv": lambda lines: ("what;value\n" + "\n".join(f"{n};{line}" for n, line in
                                                     enumerate(lines))).encode(),
    "json": lambda lines: json.dumps({"rows": lines}).encode(),
    "xml": xml,
    "html": lambda lines: ("<html><body>" + "".join(f"<p>{line}</p>" for line in lines)
                           + "</body></html>").encode(),
    "log": lambda lines: "\r\n".join(lines).encode("utf-16"),
    "docx": lambda lines: docx(*lines), "2.docx": parts, "xlsx": xlsx, "pptx": pptx,
    "zip": archive, "eml": message,
    "cut.docx": lambda lines: cut(docx(*lines)), "cut.xlsx": lambda lines: cut(xlsx(lines)),
    "cut.xml": lambda lines: cut(xml(lines)),
    "mixed.bin": lambda lines: b"\x00\xff\x01" + "\0".join(lines).encode(),
}
ENDS = ("file", "q", "plan")  # labelled, into quarantine, encrypted


# Looking ---------------------------------------------------------------------------------------

def forms_of(value, hashed):
    """A value as it might be written down: as it is, without separators, encoded, and (values that
    are not random) hashed without a key."""
    bare = "".join(char for char in value if char.isalnum())
    for text in {value, bare, bare.lower(), bare.upper()}:
        if text.isdigit() and len(text) < 11:
            continue  # such numbers are in every id
        data = text.encode()
        yield data
        yield text.encode("utf-16-le")
        yield data.hex().encode()
        yield base64.b64encode(data).rstrip(b"=")
        if hashed:
            for name in ("md5", "sha1", "sha256", "blake2b"):
                digest = hashlib.new(name, data).digest()[:32]
                yield digest
                yield digest.hex().encode()
                yield base64.b64encode(digest).rstrip(b"=")


class Search:
    """All values at once: by the first eight bytes of each form, at every place."""

    def __init__(self, values, secrets):
        self.forms, self.count, self.bytes, self.seen = {}, 0, 0, {}
        for hashed, group in ((True, values), (False, secrets)):
            for value in group:
                for form in forms_of(value, hashed):
                    if len(form) >= 8:
                        self.forms.setdefault(form[:8], []).append((form, value))
                        self.count += 1
                        self.last = form
        if not self.within(b"x" * 1001 + self.last + b"y"):
            raise AssertionError("the search finds nothing")

    def within(self, data):
        """The values in it. The same bytes are looked at once."""
        key = hashlib.sha256(data).digest()
        if key not in self.seen:
            self.bytes += len(data)
            starts = self.forms
            self.seen[key] = {value for at in range(len(data) - 7)
                              if data[at:at + 8] in starts
                              for form, value in starts[data[at:at + 8]]
                              if data.startswith(form, at)}
        return self.seen[key]

    def find(self, places):
        """{place: values} of {place: bytes}."""
        found = {place: self.within(data) for place, data in places.items()}
        return {place: values for place, values in found.items() if values}


def files_below(folder):
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    yield path, file.read()


class Canary(Case):
    def lines(self, rng, count):
        for number in range(count):
            word, make = KINDS[number % len(KINDS)]
            while True:
                value = make(rng)
                if value not in self.values:
                    break
            self.values[value] = word
            yield f"{word} {value}"

    def plant(self, rng):
        """Files of every form and end."""
        kinds = [(form, end) for form in FORMS for end in ENDS]
        each = VALUES // len(kinds) + 1
        for number, (form, end) in enumerate(kinds):
            lines = list(self.lines(rng, each))
            rng.shuffle(lines)
            name = f"{'q-' if end == 'q' else ''}{number}{'-plan' if end == 'plan' else ''}.{form}"
            self.daemon.write(name, FORMS[form](lines))
        return len(kinds)

    def secret_file(self, name, text):
        path = os.path.join(self.daemon.home, name)
        with open(path, "w", encoding="utf-8",
                  opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(text + "\n")
        return path

    def configure(self, rng):
        daemon = self.daemon = Daemon("canary")
        self.receiver = Receiver(204)
        self.addCleanup(self.receiver.close)
        self.ring_key = bytes(rng.randrange(256) for _ in range(32))
        ring = base64.b64encode(self.ring_key).decode()
        self.hook_token, self.url_token = letters(rng, 32), letters(rng, 32)
        self.secret_file("ring.whsec", "whsec_" + ring)
        self.secret_file("soc.whsec", "whsec_" + SECRETS[0])
        self.secret_file("hook.token", self.hook_token)
        self.identity = os.path.join(daemon.home, "keeper.key")
        subprocess.run(["age-keygen", "-o", self.identity], capture_output=True, check=True)
        keeper = subprocess.run(["age-keygen", "-y", self.identity], capture_output=True,
                                text=True, check=True).stdout.strip()
        daemon.rules("", RULES % keeper)
        with open(os.path.join(daemon.home, "labeld.yaml"), "w", encoding="utf-8") as file:
            file.write("state: state\nlisten: { admin: '127.0.0.1:0', webhooks: '127.0.0.1:0' }\n"
                       "rules: rules.yaml\nspool: { memory_max: 16 KiB }\nlog: json\n"
                       "connections:\n  - { name: team, kind: directory, path: team, webhook: "
                       "{ secret_file: ring.whsec, token_file: hook.token } }\n"
                       f"notify:\n  - {{ name: soc, url: 'http://127.0.0.1:{self.receiver.port}/in"
                       f"?key={self.url_token}', secret_file: soc.whsec }}\n")
        self.secrets = [ring, SECRETS[0], self.hook_token, self.url_token]

    def said_by(self, *arguments):
        run = self.daemon.ctl(*arguments)
        self.said["labelctl " + " ".join(arguments[:2])] = (run.stdout + run.stderr).encode()
        return run

    def ask(self, name, path, *more, **options):
        status, headers, data = self.daemon.ask(path, *more, **options)
        if name:
            whole = data if isinstance(data, bytes) else json.dumps(data).encode()
            self.said[f"{name} {path[:40]}"] = str(headers).encode() + whole
        return status, data

    def all_of(self, path):
        rows, after = [], ""
        while True:
            status, page = self.ask("page" + after[:12], f"{path}?limit=500{after}")
            self.assertEqual(status, 200, page)
            rows += page["items"]
            if not page["next"]:
                return rows
            after = "&cursor=" + page["next"]

    def people(self):
        """What people ask and do."""
        entries = self.all_of("/api/v1/quarantine")
        for number, row in enumerate(entries):
            verb = ("release", "delete", "open")[number % 3]
            more = ("--output", os.path.join(self.daemon.home, "opened", row["id"])) \
                if verb == "open" else ()
            self.said_by("quarantine", verb, row["id"], *more)
            self.said_by("quarantine", "show", row["id"])
        for row in self.all_of("/api/v1/items"):
            self.ask("item", f"/api/v1/items/{row['id']}")
            self.ask("why", f"/api/v1/items/{row['id']}/explain")
        for alert in self.all_of("/api/v1/alerts")[:3]:
            self.said_by("alerts", "close", alert["id"], "--reason", "seen")
        token = self.said_by("token", "create", "--role", "viewer", "--name", "new")
        self.secrets.append(token.stdout.strip())
        del self.said["labelctl token create"]
        self.said_by("items", "--json")
        for path in ("status", "jobs", "audit", "alerts", "tokens", "connections", "acting"):
            self.ask("get", f"/api/v1/{path}?limit=500" if path in ("audit", "alerts") else
                     f"/api/v1/{path}")

    def offline(self):
        """labelctl on the files themselves."""
        for arguments in (("inspect", self.daemon.team), ("inspect", "--json", self.daemon.team),
                          ("rules", "explain", "--rules",
                           os.path.join(self.daemon.home, "rules.yaml"),
                           *sorted(os.path.join(self.daemon.team, name)
                                   for name in os.listdir(self.daemon.team))[:12]),
                          ("label", "get", self.path("6.docx"), self.path("36.cut.docx"))):
            run = subprocess.run([os.path.join(running.PROGRAMS, "labelctl"), *arguments],
                                 capture_output=True, timeout=running.PATIENCE, check=False)
            self.said["offline " + " ".join(arguments[:2])] = run.stdout + run.stderr

    def strangers(self, rng):
        """Values where tokens, ids, signatures and bodies are expected: answered, never logged."""
        values = rng.sample(sorted(self.values), 40)
        hook = f"/hooks/team/{self.hook_token}"
        for value in values:
            plain = "".join(char for char in value if char.isalnum())
            self.ask(None, "/api/v1/status", token=plain)
            self.ask(None, f"/api/v1/items?exposure={plain}")
            self.ask(None, f"/api/v1/{plain}")
            self.ask(None, "/api/v1/quarantine/release", "POST", {"entries": plain})
            self.ask(None, "/api/v1/quarantine/1/release", "POST", {"file_key": plain},
                     headers={"If-Match": '"1"'})
            self.ask(None, "/api/v1/tasks", "POST", f'{{"kind": "{plain}'.encode())
            for path, key, body in ((hook, self.ring_key, f"{{{plain}".encode()),
                                    (hook, plain.encode(), b'{"path":"x"}'),
                                    (f"/hooks/team/{plain}", self.ring_key, b'{"path":"x"}')):
                stamp = str(int(time.time()))
                self.ask(None, path, "POST", body, "", {
                    "webhook-id": plain, "webhook-timestamp": stamp,
                    "webhook-signature": sign(key, plain, stamp, body)}, "webhooks")
        stamp, body = str(int(time.time())), b'{"path":"0.txt"}'
        number = uuid.uuid4().hex
        status, _ = self.ask(None, hook, "POST", body, "", {
            "webhook-id": number, "webhook-timestamp": stamp,
            "webhook-signature": sign(self.ring_key, number, stamp, body)}, "webhooks")
        self.assertEqual(status, 202)

    def written(self, when):
        """All that labeld has written, but for the files that people put there."""
        places = {}
        for path, data in files_below(self.daemon.home):
            name = os.path.relpath(path, self.daemon.home)
            of_people = name.startswith(("team/", "opened/")) or name in (
                "ring.whsec", "soc.whsec", "hook.token", "keeper.key", "rules.yaml", "labeld.yaml")
            sealed = name.startswith("team/") and name.endswith((".age", ".quarantined.txt"))
            if not of_people or sealed:
                places[f"{when} {name}"] = data
        return places

    # Cores and memory --------------------------------------------------------------------------

    def hosts(self):
        run = subprocess.run(["pgrep", "-P", str(self.daemon.process.pid)], capture_output=True,
                             text=True, check=True)
        return [int(line) for line in run.stdout.split()]

    def memory(self, pid):
        """[(whether it is locked, bytes)] of what a process has in memory of its own, or None when
        this kernel lets nobody look."""
        areas, locked, area = [], False, None
        try:
            with open(f"/proc/{pid}/smaps", encoding="utf-8") as maps, \
                    open(f"/proc/{pid}/mem", "rb", 0) as memory:
                for line in maps:
                    words = line.split()
                    if "-" in words[0] and not words[0].endswith(":"):
                        start, end = (int(word, 16) for word in words[0].split("-"))
                        area = (start, end) if words[1].startswith("rw") else None
                        resident = 0
                    elif words[0] == "Rss:":
                        resident = int(words[1])
                    elif words[0] == "VmFlags:" and area and resident and \
                            area[1] - area[0] < 1 << 30:
                        locked = "lo" in words
                        try:
                            memory.seek(area[0])
                            areas.append((locked, memory.read(area[1] - area[0])))
                        except OSError:
                            continue
        except OSError:
            return None
        return areas

    def key_bytes(self):
        """The vault's secret key as text, and as the 32 bytes that age uses (bech32)."""
        with open(os.path.join(self.daemon.state, "vault.key"), encoding="utf-8") as file:
            text = next(line.strip() for line in file if line.startswith("AGE-SECRET-KEY-"))
        value = 0
        data = text.lower().rsplit("1", 1)[1][:-6]
        for char in data:
            value = value << 5 | "qpzry9x8gf2tvdw0s3jn54khce6mua7l".index(char)
        return text, (value >> (len(data) * 5 - 256)).to_bytes(32, "big")

    def check_memory(self):
        areas = self.memory(self.daemon.process.pid)
        text, key = self.key_bytes()
        if not areas:
            return "this machine lets nobody look"
        places = [locked for locked, data in areas if key in data]
        with open(os.path.join(running.PROGRAMS, "labeld"), "rb") as file:
            sanitized = b"__asan_init" in file.read()  # then mlock does nothing
        self.assertEqual(len(places), 1, "the vault key lies in more places than its own")
        self.assertTrue(sanitized or all(places), "the vault key lies where it can be swapped out")
        self.assertFalse(any(text.encode() in data for _, data in areas), "the key as text")
        return (f"{sum(len(data) for _, data in areas) >> 20} MiB read, the vault key in one "
                f"{'' if sanitized else 'locked '}place and nowhere as text")

    def ended(self, pid):
        """How a child of the daemon ended that it has not yet asked for (proc(5), exit_code)."""
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return int(fields[-1]) if fields[0] == "Z" else 0

    def check_cores(self):
        """Killed as a crash would, with cores allowed by whoever started it."""
        hosts = self.hosts()
        for pid in (hosts[0], self.daemon.process.pid):
            with open(f"/proc/{pid}/limits", encoding="utf-8") as file:
                row = next(line for line in file if line.startswith("Max core file size"))
            self.assertEqual(row.split()[4:6], ["0", "0"], row)
        os.kill(hosts[0], signal.SIGQUIT)
        ended = self.daemon.wait("the host's end", lambda: self.ended(hosts[0]))
        self.assertEqual(os.WTERMSIG(ended), signal.SIGQUIT)
        self.assertFalse(os.WCOREDUMP(ended))
        self.daemon.write("after.txt", b"nothing in it")
        self.daemon.wait("another host's answer", lambda: "/after.txt" in self.daemon.items())
        os.kill(self.daemon.process.pid, signal.SIGQUIT)
        _, status = os.waitpid(self.daemon.process.pid, 0)
        self.daemon.process.returncode = -signal.SIGQUIT
        self.assertEqual(os.WTERMSIG(status), signal.SIGQUIT)
        self.assertFalse(os.WCOREDUMP(status))
        self.assertEqual([path for path, _ in files_below(self.daemon.home)
                          if os.path.basename(path).startswith("core")], [])

    # The run -----------------------------------------------------------------------------------

    def test_of_all_planted_values_none_is_found(self):
        rng = random.Random(SEED)
        self.values, self.said = {}, {}
        self.configure(rng)
        files = self.plant(rng)
        os.makedirs(os.path.join(self.daemon.home, "opened"))
        daemon = self.daemon.start(prefix=("env", "-C", self.daemon.home, "prlimit",
                                           "--core=unlimited:unlimited"))
        daemon.settle()
        items = daemon.items()
        types = {row["type"] for item in items.values() for row in item["findings"]}
        found = sum(row["unique"] for item in items.values() for row in item["findings"])
        self.assertGreater(found, VALUES // 4)
        self.people()
        self.strangers(rng)
        daemon.settle()
        self.offline()
        self.ask("metrics", "/metrics")
        self.said["messages"] = json.dumps(self.receiver.taken).encode()
        self.assertGreater(len(self.receiver.taken), files // 3)
        places = {**self.said, **self.written("running")}
        memory = self.check_memory()
        self.check_cores()
        os.unlink(os.path.join(daemon.state, "listen.json"))  # of the one that was killed
        daemon.start()
        daemon.settle()
        daemon.stop()
        places.update(self.written("stopped"))
        search = Search(self.values, self.secrets)
        leaks = search.find(places)
        events = {json.loads(line)["event"] for line in
                  places["stopped log"].decode().splitlines() if line.startswith("{")}
        print(f"\n{len(self.values)} values and {len(self.secrets)} secrets in {files} files of "
              f"{len(FORMS)} forms; {found} found, of {len(types)} types\n"
              f"looked for {search.count} forms in {len(places)} places, "
              f"{search.bytes >> 20} MiB, with {len(events)} kinds of log line; found in "
              f"{len(leaks)}\nmemory of labeld: {memory}", flush=True)
        self.assertEqual({place: sorted(values)[:3] for place, values in leaks.items()}, {})


if __name__ == "__main__":
    if len(sys.argv) > 3:
        VALUES = int(sys.argv[3])
        SEED = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    sys.exit(running.main(Canary))
