#!/usr/bin/env python3
"""The built labeld rung by webhooks, and saved to without end. More saves: SAVES=100000 FILES=1000.
Arguments: the folder of the built programs, a scratch folder."""
import base64
import hashlib
import hmac
import json
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import uuid

import running
from running import CARD, Case, docx

SAVES, FILES = int(os.environ.get("SAVES", "4000")), int(os.environ.get("FILES", "40"))
KEYS = [bytes(range(32)), bytes(range(32, 64))]
TOKEN = "0123456789abcdef0123456789abcdef"


def sign(key, id, timestamp, body):
    mac = hmac.new(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode()


def save(folder, seed, first, files, saves):
    """One writer: saves its files in place or by rename, in an order that the seed gives."""
    chosen = random.Random(seed)
    for number in range(saves):
        path = os.path.join(folder, f"{first + chosen.randrange(files)}.txt")
        text = f"save {number} of {seed}, {'x' * chosen.randrange(200)}\n"
        if chosen.random() < 0.5:
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
        else:
            with open(path + ".tmp", "w", encoding="ascii") as file:
                file.write(text)
            os.rename(path + ".tmp", path)


class Webhooks(Case):
    def daemon_with_doors(self, files):
        self.daemon = daemon = running.Daemon(self._testMethodName)
        for name, text in (("new.whsec", "whsec_" + base64.b64encode(KEYS[0]).decode()),
                           ("old.whsec", "whsec_" + base64.b64encode(KEYS[1]).decode()),
                           ("token", TOKEN)):
            os.chmod(daemon.write("../" + name, text.encode()), 0o600)
        os.makedirs(os.path.join(daemon.home, "other"))
        daemon.write("../labeld.yaml", (
            "state: state\nlisten: { admin: '127.0.0.1:0', webhooks: '127.0.0.1:0' }\n"
            "rules: rules.yaml\nconnections:\n"
            "  - { name: team, kind: directory, path: team, exclude: [/ignored/], "
            "webhook: { secret_file: [new.whsec, old.whsec] } }\n"
            "  - { name: other, kind: directory, path: other, webhook: { token_file: token } }\n"
            ).encode())
        for name, data in files.items():
            daemon.write(name, data)
        daemon.start()
        daemon.settle()
        return daemon

    def ring(self, body, key=KEYS[0], id=None, at=0, path="/hooks/team", **more):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        id, timestamp = id or uuid.uuid4().hex, str(int(time.time()) + at)
        headers = {"webhook-id": id, "webhook-timestamp": timestamp,
                   "webhook-signature": sign(key, id, timestamp, body), **more}
        status, _, answer = self.daemon.ask(path, "POST", body, "", headers, "webhooks")
        return status, answer

    def rows(self, statement, *values):
        with sqlite3.connect(os.path.join(self.daemon.state, "labeld.db")) as db:
            return db.execute(statement, values).fetchall()

    def test_a_ring_is_a_visit_that_reads_the_truth(self):
        daemon = self.daemon_with_doors({"a.txt": b"hello", "ignored/x.txt": b"x",
                                         "~$lock.docx": b"lock"})
        self.assertEqual(set(daemon.items()), {"/a.txt"})
        for body in ({"type": "file.changed", "path": "a.txt"}, {"paths": ["a.txt", "gone/b.txt"]},
                     {"paths": ["ignored/x.txt", "~$lock.docx", "ignored"]}):
            self.assertEqual(self.ring(body)[0], 202)
        self.assertEqual(self.ring({"path": "a.txt"}, KEYS[1])[0], 202)
        daemon.settle()
        self.assertEqual(set(daemon.items()), {"/a.txt"})
        self.assertEqual(self.rows("SELECT count(*) FROM job WHERE state = 5")[0][0], 0)
        daemon.write("watched.docx", docx("credit card " + CARD))  # the folder is watched as before
        self.wait_label("watched.docx", [running.FINANCE])
        daemon.write("../other/quiet.txt", b"quiet")
        self.assertEqual(self.ring({"path": "quiet.txt"}, path="/hooks/other/" + TOKEN)[0], 202)
        daemon.wait("the other folder", lambda: "/quiet.txt" in daemon.items())

    def test_refusals_are_counted_and_name_what_is_wrong(self):
        self.daemon_with_doors({})
        for status, answer in (
                (400, self.ring({"paths": ["ok", "../out"]})), (400, self.ring(b"{")),
                (401, self.ring({"path": "a"}, b"x" * 32)), (401, self.ring({"path": "a"}, at=-310)),
                (401, self.ring({"path": "a"}, at=310)),
                (404, self.ring({"path": "a"}, path="/hooks/nobody")),
                (404, self.ring({"path": "a"}, path="/hooks/other/" + TOKEN[:-1])),
                (413, self.ring({"paths": ["a"] * 5001})), (413, self.ring(b" " * 1100000))):
            self.assertEqual(answer[0], status, answer[1])
            self.assertEqual(answer[1]["status"], status)
        self.assertIn("paths[1] \"../out\"", self.ring({"paths": ["ok", "../out"]})[1]["detail"])
        self.assertEqual(self.daemon.ask("/hooks/team", "GET", listener="webhooks")[0], 405)
        status = self.daemon.status()["webhooks"]
        self.assertEqual(status["refused"], {"400": 3, "401": 3, "404": 2, "405": 1, "413": 2})
        self.assertEqual((status["accepted"], status["doors"]), (0, 2))
        self.assertIn("3 refused with 400", self.daemon.ctl("status").stdout)
        with open(self.daemon.log, encoding="utf-8") as file:
            self.assertNotIn(TOKEN, file.read())

    def test_what_was_answered_202_is_there_after_a_kill(self):
        daemon = self.daemon_with_doors({})
        paused = daemon.ctl("connections", "pause", "team")  # so that no visit ends a job meanwhile
        self.assertEqual(paused.returncode, 0, paused.stderr)
        rung = set()
        for round in range(4):
            paths = [f"round{round}/{number}.txt" for number in range(1 if round % 2 else 1200)]
            self.assertEqual(self.ring({"paths": paths})[0], 202)
            daemon.stop(signal.SIGKILL)
            rung.update(paths)
            queued = {row[0] for row in
                      self.rows("SELECT key FROM job WHERE connection = 'team' AND kind = 0")}
            self.assertEqual(rung - queued, set())
            daemon.start()
        self.assertEqual(daemon.ctl("connections", "resume", "team").returncode, 0)
        daemon.settle()
        self.assertEqual(len(daemon.events("gone")), len(rung))

    def test_bad_secrets_are_said_by_check(self):
        daemon = self.daemon_with_doors({})
        os.chmod(daemon.write("../new.whsec", b"whsec_short"), 0o600)
        check = subprocess.run([os.path.join(running.PROGRAMS, "labeld"), "--config",
                                os.path.join(daemon.home, "labeld.yaml"), "--check"],
                               capture_output=True, text=True, timeout=running.PATIENCE)
        self.assertEqual(check.returncode, 2)
        self.assertIn("new.whsec", check.stderr)

    def test_of_many_saves_each_last_content_is_examined_once(self):
        daemon = self.daemon_with_doors({})
        writers = [multiprocessing.Process(target=save, args=(
            daemon.team, seed, seed * (FILES // 2), FILES // 2, SAVES // 2)) for seed in range(2)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
            self.assertEqual(writer.exitcode, 0)
        names = sorted(os.listdir(daemon.team))

        def all_known():
            daemon.settle()
            found = dict(self.rows("SELECT key, version FROM item WHERE deleted IS NULL"))
            return found == {name: self.version(name) for name in names}
        daemon.wait("the last contents", all_known)
        time.sleep(3)  # a loop would go on
        daemon.settle()
        examined = {}
        for path, version in self.rows(
                "SELECT json_extract(body, '$.path'), json_extract(body, '$.details.version') "
                "FROM audit WHERE json_extract(body, '$.event') = 'examined'"):
            examined[path, version] = examined.get((path, version), 0) + 1
        for name in names:
            self.assertEqual(examined.get(("/" + name, self.version(name))), 1, name)
        self.assertEqual(daemon.events("lost"), [])

    def version(self, name):
        st = os.stat(self.path(name))
        return f"{st.st_dev}:{st.st_ino}:{st.st_size}:{st.st_mtime_ns}"


if __name__ == "__main__":
    sys.exit(running.main(Webhooks))
