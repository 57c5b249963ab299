#!/usr/bin/env python3
"""The built labeld is killed while it labels, quarantines and encrypts: every file that was ever
put there is where it was, or sealed; and when labeld is done, exactly once.
Arguments: the folder of the built programs, a scratch folder, [kills [seed]]."""
import io
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile

import running
from running import CARD, GENERAL, PATIENCE, SITE, Case, Daemon, docx, labels, private_files

KILLS, SEED = 10, 1
FIRST, BETWEEN = 12, 3           # files at the beginning, and with each kill
SHORT, LONG = 0.4, 3.2           # seconds until a kill; a removal waits two before its last step
WORKING = 0.8                    # of the kills come when it works, the others while it starts
LARGE = 150_000                  # bytes: more than spool.memory_max below
ENDS = ["place", "vault", "beside"]
MARK = b"marked-plain-text"      # in every file
RULES = f"""
site: {SITE}
labels:
  - {{ name: General, id: {GENERAL} }}
recipients: {{ keepers: [%s] }}
rules:
  - {{ name: letters, when: {{ format: document, label: none }}, then: {{ label: General }}, mode: enforce }}
  - {{ name: cards leave, when: {{ findings: {{ type: credit-card, confidence: high }} }}, then: {{ quarantine: true }}, mode: enforce }}
  - {{ name: plans are sealed, when: {{ name: "*-plan.*" }}, then: {{ encrypt: [keepers] }}, mode: enforce }}
"""
CONFIG = """
state: state
listen: { admin: '127.0.0.1:0', webhooks: '127.0.0.1:0' }
rules: rules.yaml
spool: { memory_max: 64 KiB }
connections: [{ name: team, kind: directory, path: team }]
"""


class File:
    """One content that was put somewhere, never two alike. `end`: what the rules make of it."""

    def __init__(self, number, end, form, size):
        self.number, self.end, self.form = number, end, form
        self.words = f"{MARK.decode()} {number} of the team"
        self.text = self.words + (f"; credit card {CARD}" if end == "vault" else "")
        filler = " Nothing more is said here." * (size // 27)
        self.data = docx(self.text, filler) if form == "docx" else (self.text + filler).encode()
        self.name = f"{number}-{'plan' if end == 'beside' else 'file'}.{form}"

    def is_in(self, data):
        """A document may carry a label by now; everything else is the same byte for byte."""
        if self.form != "docx":
            return data == self.data
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return archive.testzip() is None and self.words.encode() in text_of(data)
        except (zipfile.BadZipFile, KeyError):
            return False


def read(path):
    with open(path, "rb") as file:
        return file.read()


def text_of(data):
    if not data.startswith(b"PK"):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read("word/document.xml")


def some_file(rng, number):
    return File(number, rng.choice([*ENDS, "vault", "beside"]),
                rng.choice(["docx", "txt", "txt"]), rng.choice([0, 0, 5000, LARGE]))


class Custody(Case):
    def begin(self):
        self.daemon = Daemon(self._testMethodName)
        home = self.daemon.home
        self.identity = os.path.join(home, "identity")
        subprocess.run(["age-keygen", "-o", self.identity], capture_output=True, check=True)
        recipient = subprocess.run(["age-keygen", "-y", self.identity], capture_output=True,
                                   check=True, text=True).stdout.strip()
        self.daemon.rules("", RULES % recipient)
        self.daemon.write("../labeld.yaml", CONFIG.encode())
        self.vault = os.path.join(self.daemon.state, "vault")
        self.files, self.inside, self.over = [], {}, set()

    def put(self, rng):
        """Saved in place, or made elsewhere and moved in."""
        file = some_file(rng, len(self.files))
        self.files.append(file)
        if rng.random() < 0.5:
            self.daemon.write(file.name, file.data)
            return
        part = self.daemon.write("../part", file.data)
        os.rename(part, self.path(file.name))

    # Where a file is -------------------------------------------------------------------------

    def unseal(self, path, identity):
        """Which file the stock tool finds in there, whole."""
        st = os.stat(path)
        key = (path, st.st_ino, st.st_size, st.st_mtime_ns)
        if key in self.inside:
            return self.inside[key]
        run = subprocess.run(["age", "-d", "-i", identity, path], capture_output=True,
                             timeout=PATIENCE)
        self.assertEqual(run.returncode, 0, (path, run.stderr))
        number = int(re.search(MARK + rb" (\d+) of the team", text_of(run.stdout)).group(1))
        self.assertTrue(self.files[number].is_in(run.stdout), path)
        self.inside[key] = number
        return number

    def in_vault(self):
        """Number of a file -> its names in the vault."""
        found = {}
        identity = os.path.join(self.daemon.state, "vault.key")
        for name in os.listdir(self.vault) if os.path.isdir(self.vault) else ():
            number = self.unseal(os.path.join(self.vault, name), identity)
            found.setdefault(number, []).append(name)
        return found

    def places(self, file, vault):
        places = ["vault"] * len(vault.get(file.number, ()))
        path = self.path(file.name)
        if os.path.exists(path):
            self.assertTrue(file.is_in(read(path)), f"{file.name} is not what it was")
            places.append("place")
        if os.path.exists(path + ".age"):
            self.assertEqual(self.unseal(path + ".age", self.identity), file.number)
            places.append("beside")
        return places

    def look_after_kill(self):
        """Nothing is missing, at no moment; nothing lies open in labeld's own folders."""
        vault = self.in_vault()
        taken = [read(self.path(name)) for name in private_files(self.daemon.team)]
        for file in self.files:
            if file.number in self.over:
                continue
            places = self.places(file, vault)
            if not places and not any(map(file.is_in, taken)):
                self.fail(f"{file.name} is nowhere; the log ends:\n" + self.daemon.tail())
            if "place" not in places and not taken:
                self.over.add(file.number)
        self.look_for_plain_text()
        return len(taken)

    def look_for_plain_text(self):
        for folder, _, names in os.walk(self.daemon.state):
            for name in names:
                data = read(os.path.join(folder, name))
                if folder == self.vault:
                    self.assertTrue(data.startswith(b"age-encryption.org/v1\n"), name)
                else:
                    self.assertNotIn(MARK, data, name)
                    self.assertFalse(data.startswith(b"PK"), name)
        spool = os.path.join(self.daemon.state, "spool")
        self.assertEqual(os.listdir(spool) if os.path.isdir(spool) else [], [])

    # The end ---------------------------------------------------------------------------------

    def finish(self):
        daemon = self.daemon
        daemon.start()
        daemon.wait("the end", lambda: daemon.idle() and not private_files(daemon.team) and
                    all(file.end == "place" or not os.path.exists(self.path(file.name))
                        for file in self.files))
        daemon.settle()
        self.assertEqual(daemon.status()["jobs"]["failed"], 0, daemon.tail())

    def look_at_the_end(self):
        vault = self.in_vault()
        for file in self.files:
            self.assertEqual(self.places(file, vault), [file.end], file.name)
            if file.end == "place" and file.form == "docx":
                self.assertEqual(labels(self.path(file.name)), [GENERAL], file.name)
        beside = [file.name + ".age" for file in self.files if file.end == "beside"]
        stones = [file.name + ".quarantined.txt" for file in self.files if file.end == "vault"]
        places = [file.name for file in self.files if file.end == "place"]
        self.assertEqual(sorted(os.listdir(self.daemon.team)), sorted(places + beside + stones))
        self.assertEqual(len(os.listdir(self.vault)), len(stones))
        self.look_for_plain_text()

    def look_at_the_entries(self):
        """No entry is stuck: each file taken away has one that says so, the others are over."""
        database = sqlite3.connect(os.path.join(self.daemon.state, "labeld.db"))
        removed, cancelled = 3, 8  # enum entry_state
        rows = database.execute("SELECT key, state, kind FROM entry").fetchall()
        database.close()
        self.assertEqual({state for _, state, _ in rows} - {removed, cancelled}, set())
        self.assertEqual(sorted(key for key, state, _ in rows if state == removed),
                         sorted(file.name for file in self.files if file.end != "place"))

    def test_after_kills_every_file_is_where_it_was_or_sealed_exactly_once(self):
        rng = random.Random(SEED)
        self.begin()
        for _ in range(FIRST):
            self.put(rng)
        while_taken = 0
        for _ in range(KILLS):
            self.daemon.start(ready=rng.random() < WORKING)
            seconds = rng.random() * rng.choice([SHORT, LONG])
            for _ in range(BETWEEN):
                time.sleep(seconds / (BETWEEN + 1))
                self.put(rng)
            time.sleep(seconds / (BETWEEN + 1))
            self.assertIsNone(self.daemon.process.poll(), self.daemon.tail())
            self.daemon.stop(signal.SIGKILL)
            while_taken += self.look_after_kill() > 0
        self.finish()
        self.daemon.stop()
        self.look_at_the_end()
        self.look_at_the_entries()
        self.check_audit()
        ends = [sum(file.end == end for file in self.files) for end in ENDS]
        print(f"{KILLS} kills, {while_taken} of them with a file on its way; of {len(self.files)} "
              "files {} in place, {} in the vault, {} beside".format(*ends), file=sys.stderr)


if __name__ == "__main__":
    KILLS = int(sys.argv[3]) if len(sys.argv) > 3 else KILLS
    SEED = int(sys.argv[4]) if len(sys.argv) > 4 else SEED
    sys.exit(running.main(Custody))
