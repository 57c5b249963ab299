#!/usr/bin/env python3
"""The built labeld on real folders: walks, watches, labels, kills, stops.
Arguments: the folder of the built programs, a scratch folder, [kills [seed]]."""
import json
import os
import random
import signal
import shutil
import sqlite3
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request
import zipfile

import running
from running import (CARD, FINANCE, GENERAL, PATIENCE, RULES, Case, Daemon, docx, labels,
                     private_files)

KILLS, SEED = 10, 1


class Labeld(Case):
    def test_simulated_rules_report_and_change_nothing(self):
        data = docx("credit card " + CARD)
        daemon = self.run_on({"a/cards.docx": data, "b.txt": b"credit card " + CARD.encode()},
                             "simulate")
        items = daemon.items()
        self.assertEqual(set(items), {"/a/cards.docx", "/b.txt"})
        self.assertEqual(items["/a/cards.docx"]["status"], "ok")
        found = {row["type"]: row["unique"] for row in items["/a/cards.docx"]["findings"]}
        self.assertEqual(found.get("credit-card"), 1)
        with open(self.path("a/cards.docx"), "rb") as file:
            self.assertEqual(file.read(), data)
        self.assertEqual(daemon.items("--type", "credit-card").keys(), items.keys())
        self.assertEqual(daemon.items("--type", "iban"), {})

    def test_labels_are_written_and_a_hangup_turns_simulate_into_enforce(self):
        daemon = self.run_on({"cards.docx": docx("credit card " + CARD), "letter.docx": docx("hi"),
                              "note.txt": b"credit card " + CARD.encode()}, "simulate")
        self.assertEqual(labels(self.path("cards.docx")), [])
        daemon.rules("enforce")
        daemon.process.send_signal(signal.SIGHUP)
        self.wait_label("cards.docx", [FINANCE])
        self.wait_label("letter.docx", [GENERAL])
        daemon.settle()
        self.assertEqual(daemon.items("--label", "Finance").keys(), {"/cards.docx"})
        self.assertEqual(daemon.items()["/note.txt"]["outcome"], "not-labelable")
        daemon.wait("settling", lambda: not private_files(daemon.team))
        with zipfile.ZipFile(self.path("cards.docx")) as archive:
            self.assertIsNone(archive.testzip())

    def test_a_new_file_and_every_kind_of_save_is_examined(self):
        daemon = self.run_on({"old.docx": docx("nothing")})
        self.wait_label("old.docx", [GENERAL])
        daemon.write("new.docx", docx("credit card " + CARD))
        self.wait_label("new.docx", [FINANCE])
        daemon.write("old.docx", docx("now with credit card " + CARD))
        self.wait_label("old.docx", [FINANCE])
        daemon.write("save.tmp", docx("a third time, credit card " + CARD, "more"))
        os.rename(self.path("save.tmp"), self.path("new.docx"))
        self.wait_label("new.docx", [FINANCE])
        os.makedirs(self.path("x/y"))
        daemon.write("x/y/deep.docx", docx("deep"))
        self.wait_label("x/y/deep.docx", [GENERAL])
        daemon.settle()
        self.assertNotIn("/save.tmp", daemon.items())

    def test_labeld_does_not_chase_its_own_writes(self):
        daemon = self.run_on({f"{n}.docx": docx(f"letter {n}") for n in range(10)})
        for number in range(10):
            self.wait_label(f"{number}.docx", [GENERAL])
        daemon.settle()
        time.sleep(3)
        daemon.settle()
        self.assertEqual(len(daemon.events("labelled")), 10, daemon.tail())

    def test_the_catalogue_remembers_a_label_that_labeld_wrote(self):
        daemon = self.run_on({"sub/cards.docx": docx("credit card " + CARD)})
        self.wait_label("sub/cards.docx", [FINANCE])
        os.chmod(daemon.team, 0o755)
        os.chmod(self.path("sub"), 0o700)
        os.chmod(self.path("sub/cards.docx"), 0o644)
        daemon.wait("the new mode", lambda: "644" in str(self.whole_item("/sub/cards.docx")))
        daemon.settle()
        self.assertEqual(daemon.items()["/sub/cards.docx"]["label"], "Finance")
        os.chmod(self.path("sub"), 0o755)
        daemon.wait("the opened folder", lambda: daemon.items()["/sub/cards.docx"]["exposure"]
                    == "organisation")
        daemon.rules("enforce", RULES % "enforce" + "# another revision\n")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait("deciding again", lambda: len(daemon.events("rules-in-force")) == 1)
        daemon.settle()
        item = daemon.items()["/sub/cards.docx"]
        self.assertEqual((item["label"], item["size"]),
                         ("Finance", os.path.getsize(self.path("sub/cards.docx"))))

    def whole_item(self, path):
        number = self.daemon.items()[path]["id"]
        with open(os.path.join(self.daemon.state, "admin.token"), encoding="utf-8") as file:
            token = file.read().strip()
        request = urllib.request.Request(self.daemon.url("admin", f"/api/v1/items/{number}"),
                                         headers={"Authorization": "Bearer " + token})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def test_moved_and_deleted_files_are_followed(self):
        daemon = self.run_on({"a.txt": b"one", "b.txt": b"two", "folder/c.txt": b"three"})
        first = daemon.items()
        os.rename(self.path("a.txt"), self.path("moved.txt"))
        os.unlink(self.path("b.txt"))
        os.rename(self.path("folder"), self.path("other"))
        daemon.wait("the move", lambda: set(daemon.items()) == {"/moved.txt", "/other/c.txt"})
        self.assertEqual(daemon.items()["/moved.txt"]["id"], first["/a.txt"]["id"])

    def test_what_is_no_item_is_left_alone(self):
        self.daemon = Daemon(self._testMethodName)
        daemon = self.daemon
        daemon.write("ignored/x.docx", docx("credit card " + CARD))
        daemon.write("~$lock.docx", b"lock")
        daemon.write("real.docx", docx("hi"))
        daemon.write("linked.docx", docx("hard linked"))
        os.link(self.path("linked.docx"), self.path("second.docx"))
        outside = os.path.join(daemon.home, "outside.docx")
        with open(outside, "wb") as file:
            file.write(docx("outside"))
        os.symlink(outside, self.path("link.docx"))
        os.mkfifo(self.path("pipe"))
        daemon.start()
        self.wait_label("real.docx", [GENERAL])
        daemon.settle()
        items = daemon.items()
        self.assertEqual(set(items), {"/real.docx", "/linked.docx", "/second.docx"})
        self.assertEqual(labels(outside), [])
        self.assertEqual(labels(self.path("linked.docx")), [])

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs another user")
    def test_what_the_daemon_may_not_read_is_said(self):
        self.daemon = Daemon(self._testMethodName)
        daemon = self.daemon
        daemon.write("mine.txt", b"hello")
        os.chmod(daemon.write("closed.txt", b"secret"), 0o600)
        daemon.write("room/inner.txt", b"secret")
        os.chmod(self.path("room"), 0o700)
        for path in (daemon.home, daemon.team, self.path("mine.txt"),
                     os.path.join(daemon.home, "rules.yaml"),
                     os.path.join(daemon.home, "labeld.yaml")):
            os.chown(path, 65534, 65534)
        daemon.start(prefix=("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"))
        daemon.settle()
        items = daemon.items()
        self.assertEqual(set(items), {"/mine.txt", "/closed.txt"})
        self.assertEqual((items["/closed.txt"]["status"], items["/closed.txt"]["reason"]),
                         ("crashed", "not-readable"))
        self.assertIn("1 folders cannot be read", daemon.status()["connections"][0]["notes"])

    def test_a_broken_rules_file_never_takes_effect(self):
        daemon = self.run_on({"a.docx": docx("hi")})
        self.wait_label("a.docx", [GENERAL])
        revision = daemon.status()["rules"]["revision"]
        for text in ("rules: [", "labels: []\nrulez: []\n",
                     RULES % "enforce" + "tests: [{ expect: { label: Finance } }]\n"):
            daemon.rules("", text)
            daemon.process.send_signal(signal.SIGHUP)
            daemon.wait("the refusal", lambda: daemon.status()["rules"]["problem"])
            status = daemon.status()["rules"]
            self.assertEqual((status["revision"], status["number"]), (revision, 1))
            self.assertTrue(status["file_differs"])
        self.assertIn("not what stands in", daemon.ctl("status").stdout)
        daemon.stop()
        daemon.start()
        status = daemon.status()["rules"]
        self.assertEqual(status["revision"], revision)
        self.assertIn("last good", status["problem"])
        daemon.write("b.docx", docx("ho"))
        self.wait_label("b.docx", [GENERAL])

    def test_rules_are_read_again_only_when_they_differ(self):
        daemon = self.run_on({"a.docx": docx("hi")})
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait("the hangup", lambda: daemon.events("rules-unchanged"))
        self.assertFalse(daemon.status()["rules"]["file_differs"])
        daemon.rules("simulate")
        self.assertTrue(daemon.status()["rules"]["file_differs"])
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait("the new rules", lambda: daemon.status()["rules"]["number"] == 2)
        revision = daemon.status()["rules"]["revision"]
        daemon.stop()
        daemon.start()
        status = daemon.status()["rules"]
        self.assertEqual((status["number"], status["revision"]), (2, revision))
        self.assertIsNone(status["problem"])
        daemon.stop()
        self.check_audit()
        with sqlite3.connect(os.path.join(daemon.state, "labeld.db")) as database:
            changes = [json.loads(body)["details"] for body, in database.execute(
                "SELECT body FROM audit ORDER BY seq") if '"rules-in-force"' in body]
        self.assertEqual([change["number"] for change in changes], [1, 2])
        self.assertEqual(changes[1]["revision_before"], changes[0]["revision"])
        self.assertEqual(changes[1]["revision"], revision)

    def test_listeners_answer_only_whom_they_should(self):
        daemon = self.run_on({})
        with open(os.path.join(daemon.state, "admin.token"), encoding="utf-8") as file:
            token = file.read().strip()

        def ask(listener, path, headers=None, method="GET", body=None):
            request = urllib.request.Request(daemon.url(listener, path), method=method,
                                             headers=headers or {}, data=body)
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    return answer.status, answer.read()
            except urllib.error.HTTPError as error:
                return error.code, error.read()

        good = {"Authorization": "Bearer " + token}
        self.assertEqual(ask("admin", "/api/v1/status", good)[0], 200)
        self.assertEqual(ask("admin", "/api/v1/status")[0], 401)
        self.assertEqual(ask("admin", "/api/v1/status", {"Authorization": "Bearer x"})[0], 401)
        self.assertEqual(ask("admin", "/api/v1/status", {**good, "Host": "evil.example"})[0], 421)
        self.assertEqual(ask("admin", "/api/v1/nothing", good)[0], 404)
        self.assertEqual(ask("admin", "/api/v1/status", good, "POST")[0], 405)
        self.assertEqual(ask("admin", "/api/v1/items?limit=0", good)[0], 400)
        self.assertEqual(ask("admin", "/api/v1/items?exposure=wide", good)[0], 400)
        for wrong in ("connection=nope", "label=Nope", "rule_state=maybe", "sort=size"):
            self.assertEqual(ask("admin", "/api/v1/items?" + wrong, good)[0], 400, wrong)
        self.assertEqual(ask("admin", "/api/v1/items/1", good)[0], 404)
        self.assertEqual(ask("admin", "/healthz")[0], 200)
        self.assertEqual(ask("admin", "/readyz")[0], 200)
        self.assertEqual(ask("webhooks", "/api/v1/status", good)[0], 404)
        self.assertEqual(ask("webhooks", "/hooks/team", method="POST")[0], 404)
        self.assertEqual(ask("admin", "/api/v1/status", good, "POST", b"x" * 9000)[0], 413)
        code, body = ask("admin", "/api/v1/nothing", good)
        self.assertEqual(json.loads(body)["status"], code)

    def test_one_state_folder_has_one_daemon_and_a_stop_is_clean(self):
        daemon = self.run_on({"a.docx": docx("hi")})
        second = subprocess.run([os.path.join(running.PROGRAMS, "labeld"), "--config",
                                 os.path.join(daemon.home, "labeld.yaml")],
                                capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(second.returncode, 2)
        self.assertIn("another labeld", second.stderr)
        self.assertEqual(daemon.ctl("status").returncode, 0)
        self.assertEqual(daemon.stop(), 0)
        self.assertFalse(os.path.exists(os.path.join(daemon.state, "listen.json")))
        self.assertEqual(daemon.ctl("status").returncode, 4)

    def test_the_status_is_right_while_a_walk_of_many_batches_goes_on(self):
        self.daemon = daemon = Daemon(self._testMethodName, "simulate")
        for number in range(400):
            daemon.write(f"{number // 100}/{number}.txt", b"hello %d" % number)
        daemon.start()
        daemon.wait("the walk", lambda: all(
            c["walk"]["state"] == "done" and c["notes"] == ""
            for c in daemon.ask("/api/v1/status")[2]["connections"]))
        self.assertGreaterEqual(daemon.status()["connections"][0]["walk"]["seen"], 400)

    def test_leftovers_in_the_spool_are_removed_and_nothing_else(self):
        daemon = self.run_on({"a.docx": docx("hi")})
        daemon.stop(signal.SIGKILL)
        names = ["spool/left-by-a-kill", "spool/another", "notes.txt"]
        for name in names:
            with open(os.path.join(daemon.state, name), "wb") as file:
                file.write(b"left")
        os.symlink(self.path("a.docx"), os.path.join(daemon.state, "spool", "link"))
        daemon.start()
        daemon.settle()
        self.assertEqual(os.listdir(os.path.join(daemon.state, "spool")), [])
        for name in names[2:]:
            self.assertTrue(os.path.exists(os.path.join(daemon.state, name)), name)
        self.assertEqual(labels(self.path("a.docx")), [GENERAL])

    def test_check_and_print_config(self):
        self.daemon = Daemon(self._testMethodName)
        config = os.path.join(self.daemon.home, "labeld.yaml")
        program = os.path.join(running.PROGRAMS, "labeld")
        good = subprocess.run([program, "--config", config, "--check"], capture_output=True,
                              text=True, timeout=PATIENCE)
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assertIn(" 1 connection, ", good.stdout)
        shown = subprocess.run([program, "--config", config, "--print-config"],
                               capture_output=True, text=True, timeout=PATIENCE)
        self.assertIn("sandbox: strict  # default", shown.stdout)
        for text, words in ((b"stat: x\n", "did you mean \"state\"?"),
                            (b"store: { kind: postgresql }\n", "not in this version"),
                            (b"connections: [{ name: a, kind: s3, bucket: b }]\n",
                             "not in this version")):
            self.daemon.write("../bad.yaml", text)
            bad = subprocess.run([program, "--check", "--config",
                                  os.path.join(self.daemon.home, "bad.yaml")],
                                 capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(bad.returncode, 2)
            self.assertIn(words, bad.stderr)

    def test_nothing_that_was_found_is_written_down(self):
        canary = "4716 7488 2417 3406"
        daemon = self.run_on({"a.docx": docx("credit card " + canary),
                              "b.csv": f"credit card\n{canary.replace(' ', '')}\n".encode()})
        self.wait_label("a.docx", [FINANCE])
        daemon.settle()
        daemon.stop()
        for folder, _, names in os.walk(daemon.home):
            if folder.startswith(daemon.team):
                continue
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    data = file.read()
                for form in (canary.encode(), canary.replace(" ", "").encode()):
                    self.assertNotIn(form, data, name)

    def test_after_kills_every_file_is_whole_and_labelled_and_no_edit_is_lost(self):
        rng = random.Random(SEED)
        self.daemon = Daemon(self._testMethodName)
        daemon = self.daemon
        wanted = {}
        for number in range(12):
            name = f"{number}.docx"
            daemon.write(name, docx(f"letter {number}"))
            wanted[name] = f"letter {number}"
        for kill in range(KILLS):
            daemon.start()
            for name in rng.sample(sorted(wanted), 3):
                wanted[name] = f"edit {kill} of {name}"
                daemon.write(name, docx(wanted[name]))
                time.sleep(rng.random() * 0.2)
            time.sleep(rng.random() * 0.8)
            daemon.stop(signal.SIGKILL)
        daemon.start()
        for name in wanted:
            self.wait_label(name, [GENERAL])
        daemon.settle()
        daemon.wait("settling", lambda: not private_files(daemon.team))
        for name, text in wanted.items():
            with zipfile.ZipFile(self.path(name)) as archive:
                self.assertIsNone(archive.testzip())
                self.assertIn(text, archive.read("word/document.xml").decode())
        self.assertEqual(sorted(os.listdir(daemon.team)), sorted(wanted))
        daemon.stop()
        self.check_audit()


if __name__ == "__main__":
    KILLS = int(sys.argv[3]) if len(sys.argv) > 3 else KILLS
    SEED = int(sys.argv[4]) if len(sys.argv) > 4 else SEED
    sys.exit(running.main(Labeld))
