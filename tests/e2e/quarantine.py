#!/usr/bin/env python3
"""People steer the quarantine of a running labeld: look at what was taken away, open it, give it
back, delete it, take that back; also with a vault that only reviewers open."""
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

import running
from running import CARD, GENERAL, PATIENCE, SITE, Case, Daemon, docx

TEXT = f"credit card {CARD}\n".encode()
RULES = f"""
site: {SITE}
rules:
  - {{ name: cards leave, message: It held card numbers., when: {{ findings: {{ type: credit-card, confidence: high }} }}, then: {{ quarantine: true, alert: high }}, mode: enforce }}
  - {{ name: noted, when: {{ name: "*.note" }}, then: {{ quarantine: true }}, mode: enforce }}
"""
LABELLED = f"""
site: {SITE}
labels:
  - {{ name: General, id: {GENERAL} }}
rules:
  - {{ name: cards leave, when: {{ findings: {{ type: credit-card, confidence: high }} }}, then: {{ label: General, quarantine: true }}, mode: enforce }}
"""
API = "/api/v1/quarantine"


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Quarantine(Case):
    def begin(self, files, sealed=False, rules=RULES):
        self.daemon = daemon = Daemon(self._testMethodName)
        daemon.rules("enforce", rules)
        self.key = os.path.join(daemon.home, "reviewer.key")
        self.passphrase = os.path.join(daemon.home, "passphrase")
        if sealed:
            self.seal_vault()
        for name, data in files.items():
            daemon.write(name, data)
        daemon.start()
        self.wait_entries(len(files))
        daemon.settle()
        return daemon

    def seal_vault(self):
        with open(self.passphrase, "w", encoding="utf-8", opener=lambda path, flags:
                  os.open(path, flags, 0o600)) as file:
            file.write("open sesame\n")
        run = subprocess.run([os.path.join(running.PROGRAMS, "labelctl"), "key", "new", self.key,
                              "--passphrase-file", self.passphrase],
                             capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(run.returncode, 0, run.stderr)
        recipient = run.stdout.strip().splitlines()[-1].split()[-1]
        self.assertTrue(recipient.startswith("age1"), run.stdout)
        with open(os.path.join(self.daemon.home, "labeld.yaml"), "a", encoding="utf-8") as file:
            file.write(f"vault: {{ sealed: true, recipients: [{recipient}] }}\n")

    def identity(self):
        return ["--identity", self.key, "--passphrase-file", self.passphrase]

    def entries(self, query=""):
        status, _, page = self.daemon.ask(API + query)
        self.assertEqual(status, 200, page)
        return page["items"]

    def wait_entries(self, count):
        self.daemon.wait(f"{count} entries", lambda: len(self.entries("?state=removed")) == count)

    def entry(self, number):
        status, _, entry = self.daemon.ask(f"{API}/{number}")
        self.assertEqual(status, 200, entry)
        return entry

    def act(self, verb, entry, body=None, query="?wait=30", **more):
        more.setdefault("headers", {"If-Match": f'"{entry["version"]}"'})
        return self.daemon.ask(f"{API}/{entry['id']}/{verb}{query}", "POST", body, **more)

    def quarantine(self, *arguments):
        return self.daemon.ctl("quarantine", *arguments)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def vault(self):
        return sorted(os.listdir(os.path.join(self.daemon.state, "vault")))

    def audited(self):
        database = sqlite3.connect(os.path.join(self.daemon.state, "labeld.db"))
        rows = [json.loads(row[0]) for row in
                database.execute("SELECT body FROM audit ORDER BY seq")]
        database.close()
        return rows

    # Looking ---------------------------------------------------------------------------------

    def test_what_was_taken_away_is_listed_with_its_why(self):
        daemon = self.begin({"a/cards.txt": TEXT, "b.note": b"x"})
        self.assertFalse(os.path.exists(self.path("a/cards.txt")))
        stone = self.read("a/cards.txt.quarantined.txt").decode()
        first, second = self.entries("?sort=rank")
        self.assertIn(f"name number {first['id']}", stone)
        self.assertIn("\nIt held card numbers.\n", stone)
        self.assertEqual((first["path"], first["alert"], first["rules"], first["state"]),
                         ("/a/cards.txt", "high", ["cards leave"], "removed"))
        self.assertEqual((second["path"], second["alert"]), ("/b.note", None))
        whole = self.entry(first["id"])
        self.assertEqual([(row["type"], row["unique"]) for row in whole["findings"]],
                         [("credit-card", 1)])
        self.assertEqual(whole["sha256"], digest(TEXT))
        self.assertEqual(whole["captured"]["mode"], "0644")
        self.assertIn("cards leave", json.dumps(whole["decision"]))
        shown = self.quarantine("show", first["id"])
        for text in ("team:/a/cards.txt", "cards leave", "credit-card", "0644", "age1"):
            self.assertIn(text, shown.stdout)
        listed = self.quarantine("list", "--entry-state", "removed")
        self.assertIn("team:/a/cards.txt  (cards leave)", listed.stdout)
        item = daemon.items()["/a/cards.txt"]
        self.assertEqual((item["outcome"], item["entry"]), ("quarantined", first["id"]))
        status = daemon.status()["quarantine"]
        self.assertEqual((status["quarantined"], status["waiting"], status["refused"]), (2, 0, 0))
        self.assertEqual(status["vault_bytes"], first["sealed_size"] + second["sealed_size"])
        self.assertIn("2 quarantined", daemon.ctl("status").stdout)

    def mode(self, name):
        return os.stat(self.path(name)).st_mode & 0o7777

    def test_a_file_that_is_open_for_writing_is_closed_meanwhile_and_comes_back_as_it_was(self):
        daemon = self.begin({})
        with open(daemon.write("cards.txt", TEXT), "a", encoding="utf-8") as writer:
            os.chmod(writer.name, 0o666)
            daemon.wait("it is closed", lambda: self.mode("cards.txt") == 0o600)
            daemon.wait("it waits", lambda: self.entries()[0]["error"] is not None)
            entry = self.entries()[0]
            self.assertEqual((entry["state"], entry["exposure"]), ("sealing", "organisation"))
            self.assertIn("open for writing", entry["error"])
            daemon.wait("it is told", lambda: daemon.items()["/cards.txt"]["outcome"] == "waiting")
            self.assertEqual(daemon.items()["/cards.txt"]["exposure"], "private")
            self.assertIn("open for writing", self.quarantine("show", entry["id"]).stdout)
            self.assertEqual(self.quarantine("release", entry["id"]).returncode, 4)
        self.wait_entries(1)
        daemon.settle()
        item = daemon.items()["/cards.txt"]
        status, _, problem = daemon.ask(f"/api/v1/items/{item['id']}/undo", "POST")
        self.assertEqual(status, 409, problem)
        self.assertIn("a release gives it back", problem["detail"])
        self.quarantine("release", entry["id"])
        daemon.settle()
        self.assertEqual((self.read("cards.txt"), self.mode("cards.txt")), (TEXT, 0o666))
        restriction = daemon.ask(f"/api/v1/items/{item['id']}")[2]["restriction"]
        self.assertEqual((restriction["state"], restriction["asked_by"]), ("undone", "admin"))

    def test_filters_pages_and_wrong_questions(self):
        self.begin({f"{n}.note": b"x%d" % n for n in range(5)} | {"cards.txt": TEXT})
        paths = [row["path"] for row in self.entries("?sort=rank")]
        self.assertEqual(paths[0], "/cards.txt")
        self.assertEqual(len(self.entries("?rule=noted")), 5)
        self.assertEqual(len(self.entries("?rule=noted%25")), 0)
        self.assertEqual(len(self.entries("?path=/cards.txt")), 1)
        self.assertEqual(len(self.entries("?path=/")), 6)
        self.assertEqual(len(self.entries("?kind=encrypt")), 0)
        self.assertEqual(len(self.entries("?state=released&state=deleted")), 0)
        for sort in ("rank", "-id"):
            seen, cursor = [], ""
            while cursor is not None:
                page = self.daemon.ask(f"{API}?sort={sort}&limit=2&count=1{cursor}")[2]
                self.assertEqual((page["total"], page["total_exact"]), (6, True))
                seen += [row["id"] for row in page["items"]]
                cursor = page["next"] and "&cursor=" + page["next"]
            self.assertEqual(seen, [row["id"] for row in self.entries(f"?sort={sort}")])
        for wrong in ("state=gone", "kind=x", "exposure=x", "exposure_min=unknown", "sort=path",
                      "item=x", "connection=no", "limit=0", "cursor=1", "x=1"):
            self.assertEqual(self.daemon.ask(f"{API}?{wrong}")[0], 400, wrong)
        for missing in (f"{API}/999", f"{API}/999/header", f"{API}/x", f"{API}/999/content"):
            self.assertEqual(self.daemon.ask(missing)[0], 404, missing)

    def test_open_writes_the_bytes_and_never_over_a_file(self):
        self.begin({"cards.txt": TEXT})
        number = self.entries()[0]["id"]
        output = os.path.join(self.daemon.home, "copy")
        run = self.quarantine("open", number, "--output", output, "--reason", "to see")
        self.assertEqual(run.returncode, 0, run.stderr)
        with open(output, "rb") as file:
            self.assertEqual(file.read(), TEXT)
        self.assertEqual(os.stat(output).st_mode & 0o777, 0o600)
        self.assertEqual(self.quarantine("open", number, "--output", output).returncode, 3)
        self.assertEqual(self.quarantine("open", "99", "--output", output + "2").returncode, 4)
        self.assertFalse(os.path.exists(output + "2"))
        self.assertEqual(self.quarantine("open", number).returncode, 2)
        self.assertEqual(self.entry(number)["state"], "removed")
        opened = [row for row in self.audited() if row["event"] == "quarantine-opened"]
        self.assertEqual(opened[0]["details"]["reason"], "to see")
        self.daemon.wait("no copies left", lambda: not os.listdir(
            os.path.join(self.daemon.state, "tasks")))

    def test_a_task_is_its_owners_alone(self):
        daemon = self.begin({"cards.txt": TEXT})
        other = daemon.ctl("token", "create", "--role", "admin", "--name", "b").stdout.strip()
        run = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True)
        recipient = run.stdout.split("public key: ")[1].split()[0]
        wanted = {"kind": "open", "input": {"id": self.entries()[0]["id"], "recipient": recipient}}
        status, _, task = daemon.ask("/api/v1/tasks", "POST", wanted)
        self.assertEqual(status, 202, task)
        path = f"/api/v1/tasks/{task['id']}"
        self.assertEqual(daemon.ask(path, token=other)[0], 404)
        self.assertEqual(daemon.ask(path + "?wait=30")[2]["state"], "done")
        self.assertEqual(daemon.ask(path + "/content", token=other)[0], 404)
        status, headers, sealed = daemon.ask(path + "/content")
        self.assertEqual((status, headers["Content-Disposition"]),
                         (200, f'attachment; filename="task-{task["id"]}.age"'))
        identity = os.path.join(daemon.home, "identity")
        with open(identity, "w", encoding="utf-8") as file:
            file.write(run.stdout)
        run = subprocess.run(["age", "-d", "-i", identity], input=sealed, capture_output=True,
                             check=True)
        self.assertEqual(run.stdout, TEXT)
        self.assertEqual(daemon.ask(path, "DELETE")[2]["state"], "cancelled")
        self.assertEqual(daemon.ask(path + "/content")[0], 409)
        for wrong in ({"kind": "x", "input": {}}, {"kind": "open", "input": {}},
                      {"kind": "open", "input": {"id": "1", "recipient": "AGE-SECRET-KEY-1"}},
                      {"kind": "open"}, {"input": {}}):
            self.assertEqual(daemon.ask("/api/v1/tasks", "POST", wanted | wrong
                                        if len(wrong) == 2 else wrong)[0], 400, wrong)
        wanted["input"]["recipient"] = "age1" + "q" * 58
        task = daemon.ask("/api/v1/tasks", "POST", wanted)[2]
        task = daemon.ask(f"/api/v1/tasks/{task['id']}?wait=30")[2]
        self.assertEqual(task["state"], "failed")
        self.assertTrue(task["error"])

    def test_no_more_tasks_are_kept_than_the_limit_says(self):
        self.daemon = daemon = Daemon(self._testMethodName)
        config = os.path.join(daemon.home, "labeld.yaml")
        with open(config, encoding="utf-8") as file:
            text = file.read().replace("limits: { ", "limits: { tasks_kept: 2, ")
        with open(config, "w", encoding="utf-8") as file:
            file.write(text)
        daemon.rules("enforce", RULES)
        daemon.write("cards.txt", TEXT)
        daemon.start()
        self.wait_entries(1)
        wanted = {"kind": "open", "input": {"id": self.entries()[0]["id"],
                                            "recipient": "age1" + "q" * 58}}
        first = daemon.ask("/api/v1/tasks", "POST", wanted)[2]
        self.assertEqual(daemon.ask("/api/v1/tasks", "POST", wanted)[0], 202)
        status, _, problem = daemon.ask("/api/v1/tasks", "POST", wanted)
        self.assertEqual(status, 429)
        self.assertIn("limits.tasks_kept", problem["detail"])
        daemon.ask(f"/api/v1/tasks/{first['id']}?wait=30")
        self.assertIn(daemon.ask(f"/api/v1/tasks/{first['id']}", "DELETE")[0], (200, 204))

    def test_an_encrypted_file_is_not_released_and_the_answer_says_who_opens_it(self):
        run = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True)
        recipient = run.stdout.split("public key: ")[1].split()[0]
        self.daemon = daemon = Daemon(self._testMethodName)
        daemon.rules("enforce", f"recipients: {{ team: {recipient} }}\nrules:\n  - {{ name: all, "
                     "when: { name: a.txt }, then: { encrypt: [team] }, mode: enforce }\n")
        daemon.write("a.txt", TEXT)
        daemon.start()
        daemon.wait("it is encrypted", lambda: self.entries("?kind=encrypt&state=removed"))
        entry = self.entries("?kind=encrypt")[0]
        for verb in ("release", "delete", "undo"):
            status, _, problem = self.act(verb, entry, {"reason": "a test"}, query="")
            self.assertEqual((status, problem.get("code")), (409, "encrypted"), problem)
            self.assertIn("labelctl unprotect", problem["detail"])
        self.assertEqual(os.listdir(daemon.team), ["a.txt.age"])

    # Deciding --------------------------------------------------------------------------------

    def alerts(self, state):
        rows = self.daemon.ask("/api/v1/alerts?state=" + state)[2]["items"]
        return sorted((row["path"], *(row["closed_by"] or {}).values()) for row in rows)

    def test_who_decides_about_a_file_has_answered_its_alert_also_while_its_connection_rests(self):
        daemon = self.begin({"back.txt": TEXT, "gone.txt": TEXT + b"x", "else.txt": TEXT + b"y"})
        self.assertEqual(len(self.alerts("open")), 3)
        self.assertEqual(daemon.ctl("connections", "pause", "team").returncode, 0)
        entries = {entry["path"]: entry for entry in self.entries()}
        self.assertEqual(self.act("release", entries["/back.txt"], {"reason": "a sample"})[0], 200)
        self.assertEqual(self.act("delete", entries["/gone.txt"], {"reason": "old"})[0], 200)
        self.assertEqual(self.act("release", entries["/else.txt"], {"path": "/other.note2"})[0], 200)
        closed = [("/back.txt", "admin", "released from quarantine: a sample"),
                  ("/else.txt", "admin", "released to another place"),
                  ("/gone.txt", "admin", "deleted from quarantine: old")]
        self.assertEqual((self.alerts("open"), self.alerts("closed")), ([], closed))
        self.assertEqual(self.read("back.txt"), TEXT)
        os.remove(self.path("other.note2"))
        self.assertEqual(daemon.ctl("connections", "resume", "team").returncode, 0)
        daemon.settle()
        self.assertEqual((self.alerts("open"), self.alerts("closed")), ([], closed))
        told = [row for row in self.audited() if row["event"] == "alert-closed"]
        self.assertEqual({row["actor"] for row in told}, {"admin"})

    # Giving back -----------------------------------------------------------------------------

    def test_a_release_gives_everything_back_and_the_text_is_not_taken_again(self):
        self.daemon = daemon = Daemon(self._testMethodName)
        daemon.rules("enforce", RULES)
        path = daemon.write("a/cards.txt", TEXT)
        os.chmod(path, 0o640)
        if os.geteuid() == 0:
            os.chown(path, 1234, 2345)
        os.setxattr(path, "user.project", b"red")
        if shutil.which("setfacl"):
            subprocess.run(["setfacl", "-m", "u:4321:r", path], check=True)
        os.utime(path, ns=(1700000000123456789, 1600000000987654321))
        before = os.stat(path)
        acl = self.acl(path)
        daemon.start()
        self.wait_entries(1)
        daemon.settle()
        self.assertEqual(daemon.ctl("stop-acting").returncode, 0)
        run = self.quarantine("release", self.entries()[0]["id"], "--reason", "theirs", "--json")
        self.assertEqual(run.returncode, 0, run.stderr)
        result = json.loads(run.stdout)
        self.assertEqual((result["state"], result["path"], result["lost"]),
                         ("released", "/a/cards.txt", []))
        self.assertIn("mode", result["restored"])
        after = os.stat(path)
        self.assertEqual(self.read("a/cards.txt"), TEXT)
        for part in ("st_mode", "st_uid", "st_gid", "st_mtime_ns"):
            self.assertEqual(getattr(after, part), getattr(before, part), part)
        self.assertEqual(os.getxattr(path, "user.project"), b"red")
        self.assertEqual(self.acl(path), acl)
        self.assertFalse(os.path.exists(path + ".quarantined.txt"))
        self.assertEqual(daemon.ctl("resume-acting").returncode, 0)
        daemon.settle()
        self.assertEqual(self.read("a/cards.txt"), TEXT)
        self.assertEqual(self.entries(), [])
        item = daemon.items()["/a/cards.txt"]
        self.assertNotEqual(item["outcome"], "quarantined")
        self.assertIsNone(item["entry"])
        daemon.write("a/cards.txt", TEXT + b"and another 4111 1111 1111 1111\n")
        self.wait_entries(1)
        self.assertFalse(os.path.exists(path))

    def test_what_was_labelled_and_then_taken_stays_after_its_release(self):
        """It was read without the label, and is read again with it: the text is the same."""
        daemon = self.begin({"cards.docx": docx("credit card " + CARD)}, rules=LABELLED)
        run = self.quarantine("release", self.entries()[0]["id"], "--reason", "theirs")
        self.assertEqual(run.returncode, 0, run.stderr)
        daemon.wait("the visit", lambda: daemon.items()["/cards.docx"]["outcome"] != "quarantined")
        daemon.settle()
        self.assertTrue(os.path.exists(self.path("cards.docx")))
        self.assertEqual(self.entries(), [])

    def acl(self, path):
        if not shutil.which("getfacl"):
            return None
        return subprocess.run(["getfacl", "-cn", path], capture_output=True, text=True,
                              check=True).stdout

    def test_a_taken_name_is_refused_with_one_that_is_free(self):
        daemon = self.begin({"a/cards.txt": TEXT})
        number = self.entries()[0]["id"]
        daemon.write("a/cards.txt", b"mine")
        daemon.write("a/cards (released).txt", b"mine too")
        run = self.quarantine("release", number)
        self.assertEqual(run.returncode, 4, run.stdout)
        self.assertIn('--as "/a/cards (released 2).txt"', run.stderr)
        entry = self.entry(number)
        self.assertEqual((entry["state"], entry["result"]["code"]), ("removed", "taken"))
        self.assertEqual(daemon.status()["quarantine"]["refused"], 1)
        status, _, problem = self.act("release", entry)
        self.assertEqual((status, problem["code"], problem["suggestion"]),
                         (409, "taken", "a/cards (released 2).txt"))
        self.assertEqual(self.read("a/cards.txt"), b"mine")
        for wrong in ("/../x", "../x", "/a/./x", "/a//x", "", "/"):
            entry = self.entry(number)
            self.assertEqual(self.act("release", entry, {"path": wrong})[0], 400, wrong)
        gone = self.quarantine("release", number, "--as", "/no/such/folder.txt")
        self.assertEqual(gone.returncode, 4)
        self.assertIn("the folder is gone", gone.stderr)
        run = self.quarantine("release", number, "--as", "/a/cards (released 2).txt")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(self.read("a/cards (released 2).txt"), TEXT)
        daemon.settle()
        self.assertEqual(set(daemon.items()), {"/a/cards.txt", "/a/cards (released).txt",
                                               "/a/cards (released 2).txt"})
        self.assertEqual(self.entry(number)["state"], "released")
        daemon.wait("no copy left", lambda: not self.vault())

    # Deleting and undoing --------------------------------------------------------------------

    def test_a_deleted_entry_keeps_its_record_and_no_copy(self):
        daemon = self.begin({"cards.txt": TEXT})
        number = self.entries()[0]["id"]
        run = self.quarantine("delete", number, "--reason", "old")
        self.assertEqual((run.returncode, run.stdout), (0, f"{number}: deleted\n"), run.stderr)
        self.assertEqual(self.vault(), [])
        self.assertFalse(os.path.exists(self.path("cards.txt.quarantined.txt")))
        entry = self.entry(number)
        self.assertEqual((entry["state"], entry["asked_why"]), ("deleted", "old"))
        self.assertEqual(daemon.ask(f"{API}/{number}/content")[0], 409)
        self.assertEqual(daemon.items(), {})
        for verb in ("release", "delete", "undo"):
            self.assertEqual(self.act(verb, entry, query="")[0], 409, verb)
        self.assertEqual(self.quarantine("release", number).returncode, 4)

    def test_deleting_leaves_another_file_of_that_name_in_the_catalogue(self):
        daemon = self.begin({"cards.txt": TEXT})
        daemon.write("cards.txt", b"harmless")
        daemon.wait("its visit", lambda: daemon.items()["/cards.txt"]["outcome"] != "quarantined")
        self.assertEqual(self.quarantine("delete", self.entries()[0]["id"]).returncode, 0)
        self.assertEqual(set(daemon.items()), {"/cards.txt"})

    def test_what_waits_can_be_undone_until_its_time(self):
        daemon = self.begin({"cards.txt": TEXT})
        number = self.entries()[0]["id"]
        for verb in ("release", "delete"):
            run = self.quarantine(verb, number, "--undo-for", "600")
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertIn(f"quarantine undo {number}", run.stdout)
            self.assertEqual(daemon.status()["quarantine"]["waiting"], 1)
            time.sleep(0.3)
            self.assertFalse(os.path.exists(self.path("cards.txt")))
            run = self.quarantine("undo", number)
            self.assertEqual((run.returncode, run.stdout), (0, f"{number}: removed\n"), run.stderr)
        self.assertEqual(self.quarantine("undo", number).returncode, 4)
        self.assertEqual(len(self.vault()), 1)
        status, _, answer = self.act("release", self.entry(number), {"undo_for": 1}, query="")
        self.assertEqual((status, answer["state"]), (202, "releasing"))
        self.assertTrue(answer["due"])
        daemon.wait("its time", lambda: self.entry(number)["state"] == "released")
        self.assertEqual(self.read("cards.txt"), TEXT)
        self.assertEqual(self.act("undo", self.entry(number), query="")[0], 409)
        states = [row["event"] for row in self.audited() if row["event"].startswith("quarantine")]
        self.assertEqual(states, ["quarantine-sealing", "quarantine-sealed", "quarantine-removing",
                                  "quarantine-removed", "quarantine-releasing",
                                  "quarantine-removed", "quarantine-deleting",
                                  "quarantine-removed", "quarantine-releasing",
                                  "quarantine-released"])

    def test_many_at_once_have_a_result_each(self):
        self.begin({f"{n}.note": b"x%d" % n for n in range(4)})
        rows = self.entries("?sort=rank")
        wanted = [{"id": row["id"], "version": row["version"]} for row in rows]
        wanted[1]["version"] += 1
        del wanted[2]["version"]
        wanted.append({"id": "999", "version": 1})
        body = {"entries": wanted, "reason": "all", "undo_for": 600}
        dry = self.daemon.ask(API + "/release?dry_run=1", "POST", body)[2]["results"]
        self.assertEqual([row.get("would_be") for row in dry],
                         ["released", None, None, "released", None])
        results = self.daemon.ask(API + "/release", "POST", body)[2]["results"]
        self.assertEqual([row.get("state") or row["problem"]["status"] for row in results],
                         ["releasing", 412, 428, "releasing", 404])
        undone = [{"id": row["id"], "version": row["version"]} for row in results if "state" in row]
        results = self.daemon.ask(API + "/undo", "POST", {"entries": undone})[2]["results"]
        self.assertEqual([row["state"] for row in results], ["removed"] * 2)
        wanted = [{"id": row["id"], "version": row["version"]} for row in self.entries()]
        self.daemon.ask(API + "/delete", "POST", {"entries": wanted})
        self.daemon.wait("deletions", lambda: len(self.entries("?state=deleted")) == 4)
        self.assertEqual(self.vault(), [])
        for wrong in ({}, {"entries": []}, {"entries": [{"id": 1}]},
                      {"entries": "1"}, {"entries": [{"id": "1", "version": 1, "x": 1}]},
                      {"entries": wanted, "undo_for": -1}, {"entries": wanted, "undo_for": "10s"}):
            self.assertEqual(self.daemon.ask(API + "/delete", "POST", wrong)[0], 400)

    def test_answers_of_one(self):
        self.begin({"cards.txt": TEXT})
        entry = self.entries()[0]
        for verb in ("release", "delete", "undo"):
            self.assertEqual(self.act(verb, entry, query="", headers={})[0], 428)
            self.assertEqual(self.act(verb, entry, query="", headers={"If-Match": '"77"'})[0],
                             412)
            self.assertEqual(self.act(verb, entry, query="", headers={"If-Match": '"x"'})[0],
                             400)
        for wrong in ({"file_key": "x"}, {"file_key": "QUJD"}, {"file_key": 1}, {"path": 1},
                      {"reason": 1}, {"undo_for": 86401}, {"links": "yes"}, {"x": 1}):
            self.assertEqual(self.act("release", entry, wrong)[0], 400, wrong)
        self.assertEqual(self.act("release", entry, query="?wait=31")[0], 400)
        self.assertEqual(self.act("undo", entry, query="")[0], 409)
        status, _, plan = self.act("release", entry, {"path": "/b.txt"}, query="?dry_run=1")
        self.assertEqual((status, plan["would_be"], plan["path"]), (200, "released", "/b.txt"))
        self.assertEqual(self.entry(entry["id"])["version"], entry["version"])
        status, headers, sealed = self.daemon.ask(f"{API}/{entry['id']}/content")
        self.assertEqual(len(sealed), entry["sealed_size"])
        self.assertIn("attachment", headers["Content-Disposition"])
        header = self.daemon.ask(f"{API}/{entry['id']}/header")[2]
        self.assertTrue(sealed.startswith(header))
        self.assertRegex(header.decode(), r"\n--- [A-Za-z0-9+/]{43}\n$")
        self.assertIn("quarantine-content-read", [row["event"] for row in self.audited()])

    def test_who_may_do_what(self):
        self.begin({"cards.txt": TEXT})
        entry = self.entries()[0]
        tokens = {role: self.daemon.ctl("token", "create", "--role", role, "--name", "a " + role)
                  .stdout.strip() for role in ("viewer", "compliance", "reviewer")}
        for role in ("viewer", "compliance"):
            self.assertEqual(self.daemon.ask(API, token=tokens[role])[0], 200)
            for part in ("content", "header"):
                self.assertEqual(self.daemon.ask(f"{API}/{entry['id']}/{part}",
                                                 token=tokens[role])[0], 403)
            self.assertEqual(self.act("release", entry, token=tokens[role])[0], 403)
        status, _, answer = self.act("release", entry, {"reason": "theirs"},
                                     token=tokens["reviewer"])
        self.assertEqual((status, answer["state"]), (200, "released"))
        self.assertIn(("quarantine-released", "a reviewer"),
                      [(row["event"], row["actor"]) for row in self.audited()])

    # A vault that only reviewers open ----------------------------------------------------------

    def test_a_sealed_vault_is_opened_and_released_with_the_reviewers_key_alone(self):
        daemon = self.begin({"cards.txt": TEXT}, sealed=True)
        self.assertFalse(os.path.exists(os.path.join(daemon.state, "vault.key")))
        number = self.entries()[0]["id"]
        run = self.quarantine("release", number)
        self.assertEqual(run.returncode, 4)
        self.assertIn("--identity", run.stderr)
        output = os.path.join(daemon.home, "copy")
        self.assertEqual(self.quarantine("open", number, "--output", output).returncode, 4)
        run = self.quarantine("open", number, "--output", output, *self.identity())
        self.assertEqual(run.returncode, 0, run.stderr)
        with open(output, "rb") as file:
            self.assertEqual(file.read(), TEXT)
        entry = self.entry(number)
        status, _, problem = self.act("release", entry, {"file_key": "QUJDREVGR0hJSktMTU5PUA=="})
        self.assertEqual((status, problem["code"]), (409, "wrong-key"))
        self.assertFalse(os.path.exists(self.path("cards.txt")))
        entry = self.entry(number)
        self.assertEqual(entry["state"], "removed")
        self.act("release", entry, {"file_key": "QUJDREVGR0hJSktMTU5PUA", "undo_for": 600},
                 query="")
        daemon.wait("the refusal", lambda: self.entry(number)["state"] == "removed"
                    and self.entry(number)["error"])
        other = os.path.join(daemon.home, "other.key")
        subprocess.run(["age-keygen", "-o", other], capture_output=True, check=True)
        self.assertEqual(self.quarantine("release", number, "--identity", other).returncode, 3)
        run = self.quarantine("release", number, *self.identity())
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(self.read("cards.txt"), TEXT)

    def test_the_stock_age_opens_a_copy_of_the_vault(self):
        self.begin({"cards.txt": TEXT})
        run = subprocess.run(["age", "-d", "-i", os.path.join(self.daemon.state, "vault.key"),
                              os.path.join(self.daemon.state, "vault", self.vault()[0])],
                             capture_output=True, check=True)
        self.assertEqual(run.stdout, TEXT)

    def test_after_a_kill_the_key_is_asked_for_again(self):
        daemon = self.begin({"cards.txt": TEXT}, sealed=True)
        number = self.entries()[0]["id"]
        run = self.quarantine("release", number, *self.identity(), "--undo-for", "2")
        self.assertEqual(run.returncode, 0, run.stderr)
        daemon.stop(signal.SIGKILL)
        daemon.start()
        daemon.wait("the way back", lambda: self.entry(number)["state"] == "removed")
        self.assertIn("release again", self.entry(number)["error"])
        self.assertFalse(os.path.exists(self.path("cards.txt")))
        run = self.quarantine("release", number, *self.identity())
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(self.read("cards.txt"), TEXT)

    def test_a_kill_while_releasing_gives_the_file_back_once(self):
        files = {f"{n}.note": os.urandom(200000) for n in range(12)}
        daemon = self.begin(files)
        wanted = [{"id": row["id"], "version": row["version"]} for row in self.entries()]
        self.daemon.ask(API + "/release", "POST", {"entries": wanted})
        for pause in (0.0, 0.02, 0.05, 0.1):
            time.sleep(pause)
            daemon.stop(signal.SIGKILL)
            daemon.start()
        daemon.wait("all released", lambda: len(self.entries("?state=released")) == len(files))
        for name, data in files.items():
            self.assertEqual(self.read(name), data, name)
        self.assertEqual(sorted(os.listdir(daemon.team)), sorted(files))



if __name__ == "__main__":
    sys.exit(running.main(Quarantine))
