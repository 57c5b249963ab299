#!/usr/bin/env python3
"""A running labeld on a real folder, for the suites beside this file."""
import hashlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request

ROOT = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "samples"))
sys.dont_write_bytecode = True
import packages  # noqa: E402
import tables  # noqa: E402

PROGRAMS, SCRATCH = "", ""
ANY = {"If-Match": "*"}  # change it, whatever its version is now
PATIENCE = 90  # seconds; the sanitizers and a busy machine are slow, and nothing here is timed
SITE = "3b1f6f0a-52d1-4d0e-9a53-0c7e5d9f4a10"
GENERAL = "0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11"
FINANCE = "c1e5b9d4-0a63-4f8d-b2a7-6e9d4c7f5b04"
CARD = "4539 0443 4874 3998"
RULES = """
site: %s
mode: %%s
labels:
  - { name: General, id: %s }
  - { name: Finance, id: %s }
rules:
  - { name: any office file, when: { format: [document, spreadsheet, presentation], label: none }, then: { label: General }, mode: enforce }
  - { name: cards, when: { findings: { type: credit-card, confidence: high } }, then: { label: Finance, tag: [cards] }, mode: enforce }
""" % (SITE, GENERAL, FINANCE)


def docx(*paragraphs, format="docx", **more):
    return packages.office({"format": format, "body": list(paragraphs), **more}).bytes()


class Daemon:
    """One labeld with a folder `team`, started and stopped as often as a test likes."""

    def __init__(self, name, mode="enforce"):
        self.home = os.path.join(SCRATCH, name)
        shutil.rmtree(self.home, ignore_errors=True)
        self.team = os.path.join(self.home, "team")
        self.state = os.path.join(self.home, "state")
        os.makedirs(self.team)
        self.rules(mode)
        self.write("../labeld.yaml", (
            "state: state\nlisten: { admin: '127.0.0.1:0', webhooks: '127.0.0.1:0' }\n"
            "rules: rules.yaml\nconnections:\n  - { name: team, kind: directory, path: team, "
            "exclude: [/ignored/] }\nlimits: { webhook_body_bytes: 4096, api_body_bytes: 8192, "
            "api_rate: 100000, api_address_rate: 100000 }\n").encode())
        self.process = None
        self.answers = set()  # (operation, status) of all that was asked
        self.log = os.path.join(self.home, "log")

    def limit(self, **limits):
        """More limits, before a start."""
        path = os.path.join(self.home, "labeld.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for name, value in limits.items():
            text = re.sub(rf" {name}: \d+,?", "", text)
            text = text.replace("limits: {", f"limits: {{ {name}: {value},")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def rules(self, mode, text=RULES):
        with open(os.path.join(self.home, "rules.yaml"), "w", encoding="utf-8") as file:
            file.write(text % mode if "%s" in text else text)

    def write(self, name, data):
        path = os.path.join(self.team, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def start(self, ready=True, prefix=()):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*prefix, os.path.join(PROGRAMS, "labeld"), "--config",
                 os.path.join(self.home, "labeld.yaml")], stderr=log, stdout=log)
        if ready:
            self.wait("a start", lambda: os.path.exists(os.path.join(self.state, "listen.json")))
        return self

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(PATIENCE)
        if how == signal.SIGKILL and os.path.exists(os.path.join(self.state, "listen.json")):
            os.unlink(os.path.join(self.state, "listen.json"))
        return code

    def wait(self, what, condition):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"{what} did not happen; the log ends:\n" + self.tail())

    def tail(self):
        with open(self.log, errors="replace", encoding="utf-8") as file:
            return "".join(file.readlines()[-25:])

    def events(self, word):
        with open(self.log, errors="replace", encoding="utf-8") as file:
            return [line for line in file if f"event={word}" in line]

    def ctl(self, *arguments):
        run = subprocess.run([os.path.join(PROGRAMS, "labelctl"), *arguments, "--state", self.state],
                             capture_output=True, text=True, timeout=PATIENCE)
        return run

    def status(self):
        return json.loads(self.ctl("status", "--json").stdout)

    def items(self, *filters):
        run = self.ctl("items", "--json", *filters)
        if run.returncode:
            raise AssertionError(run.stderr)
        return {row["path"]: row for row in map(json.loads, run.stdout.splitlines())}

    def idle(self):
        status = self.status()
        jobs = status["jobs"]
        busy = jobs["queued"] + jobs["backfill"] + jobs["running"] + jobs["waiting"]
        walked = all(c["walk"]["state"] == "done" for c in status["connections"])
        return busy == 0 and walked

    def settle(self):
        self.wait("rest", self.idle)

    def token(self):
        with open(os.path.join(self.state, "admin.token"), encoding="utf-8") as file:
            return file.read().strip()

    def ask(self, path, method="GET", body=None, token=None, headers=None, listener="admin"):
        """(status, headers, JSON or bytes); `body`: bytes, or a value sent as JSON; token "" =
        none, None = the first one."""
        headers = dict(headers or {})
        token = self.token() if token is None else token
        if token:
            headers.setdefault("Authorization", "Bearer " + token)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(self.url(listener, path), method=method, headers=headers,
                                         data=body)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                status, headers = answer.status, answer.headers
                stream = headers.get("Content-Type") == "text/event-stream"  # it does not end
                data = b"" if stream else answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, headers, data = error.code, error.headers, error.read()
        row = tables.operation(method, path.split("?")[0]) if listener == "admin" else None
        if row:
            self.answers.add((row[2], status))
        if "json" in headers.get("Content-Type", "") and data:
            data = json.loads(data)
        return status, headers, data

    def url(self, listener, path):
        with open(os.path.join(self.state, "listen.json"), encoding="utf-8") as file:
            return f"http://{json.load(file)[listener]}{path}"


def labels(path):
    run = subprocess.run([os.path.join(PROGRAMS, "labelctl"), "label", "get", "--json", path],
                         capture_output=True, text=True, timeout=PATIENCE)
    return [label["id"] for label in json.loads(run.stdout)["labels"]]


def private_files(folder):
    return [name for _, _, names in os.walk(folder) for name in names
            if re.fullmatch(r"\.labeld-[0-9a-f]{16}\.tmp", name)]


class Case(unittest.TestCase):
    def setUp(self):
        self.daemon = None

    def tearDown(self):
        if self.daemon:
            with open(os.path.join(SCRATCH, "answers"), "a", encoding="utf-8") as file:
                file.writelines(f"{operation} {status}\n" for operation, status in
                                sorted(self.daemon.answers))
        if not (self.daemon and self.daemon.process) or self.daemon.process.poll() is not None:
            return
        try:
            self.check_documented()
        finally:
            self.daemon.process.kill()
            self.daemon.process.wait()

    def check_documented(self):
        """Every answer that this test saw stands in the OpenAPI file."""
        answers = set(self.daemon.answers)
        if not answers:
            return
        file = self.daemon.wait("the OpenAPI file", lambda: next(
            (found[2] for found in [self.daemon.ask("/api/v1/openapi.json")] if found[0] == 200),
            None))
        documented = {(operation["operationId"], int(code)) for methods in file["paths"].values()
                      for operation in methods.values() for code in operation["responses"]}
        self.assertEqual(answers - documented, set(), "answers that openapi.json does not have")

    def run_on(self, files, mode="enforce"):
        self.daemon = Daemon(self._testMethodName, mode)
        for name, data in files.items():
            self.daemon.write(name, data)
        self.daemon.start()
        self.daemon.settle()
        return self.daemon

    def path(self, name):
        return os.path.join(self.daemon.team, name)

    def wait_label(self, name, wanted):
        self.daemon.wait(f"label {wanted} on {name}", lambda: labels(self.path(name)) == wanted)

    def check_audit(self):
        """The chain as the README describes it, recomputed by other means."""
        database = sqlite3.connect(os.path.join(self.daemon.state, "labeld.db"))
        previous = None
        columns = [row[1] for row in database.execute("PRAGMA table_info(audit)")]
        self.assertIn("hash", columns)
        rows = database.execute("SELECT seq, body, hash FROM audit ORDER BY seq").fetchall()
        self.assertTrue(rows)
        previous = bytes(32)
        for index, (seq, body, digest) in enumerate(rows, 1):
            self.assertEqual(seq, index)
            body = body.encode() if isinstance(body, str) else body
            whole = hashlib.sha256(previous + body).digest()
            self.assertEqual(digest if isinstance(digest, bytes) else bytes.fromhex(digest), whole)
            previous = whole


def main(suite):
    """Arguments: the folder of the built programs, a scratch folder. Environment: ONLY=test_…"""
    global PROGRAMS, SCRATCH
    PROGRAMS, SCRATCH = (os.path.abspath(path) for path in sys.argv[1:3])
    os.makedirs(SCRATCH, exist_ok=True)
    if not os.environ.get("ONLY"):  # what was answered, for answers.py
        open(os.path.join(SCRATCH, "answers"), "w", encoding="utf-8").close()
    only = os.environ.get("ONLY")
    name = suite.__name__
    tests = unittest.defaultTestLoader.loadTestsFromName(f"{name}.{only}" if only else name,
                                                         sys.modules[suite.__module__])
    return 0 if unittest.TextTestRunner(verbosity=2).run(tests).wasSuccessful() else 1
