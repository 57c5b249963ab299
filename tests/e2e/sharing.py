#!/usr/bin/env python3
"""Sharing that a rule takes away from files of a folder, and a person's undo."""
import json
import os
import signal
import sqlite3
import stat
import sys

import running
from running import CARD, FINANCE, Case, docx, labels

RULES = """
site: 3b1f6f0a-52d1-4d0e-9a53-0c7e5d9f4a10
labels:
  - { name: Finance, id: c1e5b9d4-0a63-4f8d-b2a7-6e9d4c7f5b04 }
conditions:
  Cards: { findings: { type: credit-card, confidence: high } }
rules:
  - name: Cards for everybody
    when: { is: Cards, exposure: { at_least: organisation } }
    then: { unshare: { to: internal-people } }
    mode: %s
"""
LABEL = RULES.replace("then: {", "then: { label: Finance,")
ELSE = RULES.replace("to: internal-people", "to: internal-people, else: quarantine")
LINKS = RULES.replace("unshare: { to: internal-people }", "expire_links: 7 days")


class Sharing(Case):
    def begin(self, files, rules=RULES, mode="enforce", config=None):
        """A daemon on files that everybody reads."""
        daemon = self.daemon = running.Daemon(self._testMethodName, mode)
        daemon.rules(mode, rules)
        os.chmod(daemon.team, 0o755)
        if config:
            with open(os.path.join(daemon.home, "labeld.yaml"), "a", encoding="utf-8") as file:
                file.write(config)
        for name, data in files.items():
            os.chmod(daemon.write(name, data), 0o664)
        daemon.start()
        daemon.settle()
        return daemon

    def mode(self, name):
        return stat.S_IMODE(os.stat(self.path(name)).st_mode)

    def item(self, path="/a.docx"):
        rows = self.daemon.items()
        return self.daemon.ask(f"/api/v1/items/{rows[path]['id']}")[2]

    def audited(self, event):
        database = sqlite3.connect(os.path.join(self.daemon.state, "labeld.db"))
        rows = [json.loads(row[0]) for row in
                database.execute("SELECT body FROM audit ORDER BY seq")]
        database.close()
        return [row for row in rows if row["event"] == event]

    def test_a_file_is_closed_undone_stays_undone_and_is_closed_again_after_a_change(self):
        daemon = self.begin({"a.docx": docx("credit card " + CARD), "b.docx": docx("hello")})
        self.assertEqual((self.mode("a.docx"), self.mode("b.docx")), (0o660, 0o664))
        item = self.item()
        self.assertEqual((item["outcome"], item["exposure"]), ("unshared", "internal-people"))
        self.assertEqual((item["restriction"]["state"], item["restriction"]["before"],
                          item["restriction"]["after"], item["restriction"]["rules"]),
                         ("done", "organisation", "internal-people", ["Cards for everybody"]))
        self.assertEqual(len(self.audited("unshared")), 1)
        visits = len(self.audited("decided")) + len(self.audited("examined"))
        run = daemon.ctl("item", "undo", "/a.docx", "--reason", "the auditors read it")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("undone, who reaches it: organisation", run.stdout)
        self.assertIn("given back: others", run.stdout)
        self.assertEqual(self.mode("a.docx"), 0o664)
        daemon.settle()
        daemon.stop(signal.SIGKILL)
        daemon.start()
        daemon.settle()
        os.utime(self.path("b.docx"))
        daemon.settle()
        self.assertEqual(self.mode("a.docx"), 0o664)
        item = self.item()
        self.assertEqual((item["outcome"], item["exposure"], item["message"]),
                         ("undone", "organisation", "admin has undone it: the auditors read it"))
        self.assertEqual([(row["actor"], row["details"]["result"]["restored"])
                          for row in self.audited("unshare-undone")], [("admin", ["others"])])
        self.assertGreater(len(self.audited("decided")) + len(self.audited("examined")), visits)
        again = daemon.ctl("item", "undo", item["id"])
        self.assertEqual(again.returncode, 4)
        self.assertIn("undone already", again.stderr)
        daemon.write("a.docx", docx("credit card " + CARD, "and more"))
        daemon.wait("closed again", lambda: self.mode("a.docx") == 0o660)
        daemon.settle()
        self.assertEqual(self.item()["outcome"], "unshared")
        self.assertEqual(len(self.audited("unshared")), 2)
        self.assertEqual(daemon.ctl("item", "undo", "/a.docx").returncode, 0)
        daemon.settle()
        self.assertEqual(self.mode("a.docx"), 0o664)
        os.chmod(self.path("a.docx"), 0o646)  # what is shared is not what was undone
        daemon.wait("closed once more", lambda: self.mode("a.docx") == 0o640)

    def test_the_label_that_follows_does_not_overrule_an_undo(self):
        daemon = self.begin({"a.docx": docx("credit card " + CARD)}, LABEL)
        self.wait_label("a.docx", [FINANCE])
        daemon.settle()
        self.assertEqual(self.mode("a.docx"), 0o660)
        self.assertEqual(len(self.audited("unshared")), 1)
        self.assertEqual(daemon.ctl("item", "undo", "/a.docx").returncode, 0)
        daemon.settle()
        self.assertEqual((self.mode("a.docx"), labels(self.path("a.docx"))), (0o664, [FINANCE]))

    def test_an_undo_is_of_the_version_that_is_known_and_tells_what_is_lost(self):
        daemon = self.begin({"a.docx": docx("credit card " + CARD)},
                            RULES.replace("internal-people", "private"))
        self.assertEqual(self.mode("a.docx"), 0o600)
        os.chmod(self.path("a.docx"), 0o640)
        daemon.settle()
        run = daemon.ctl("item", "undo", "/a.docx", "--json")
        self.assertEqual(run.returncode, 0, run.stderr)
        result = json.loads(run.stdout)["result"]
        self.assertEqual((self.mode("a.docx"), result["restored"]), (0o644, ["others"]))
        self.assertEqual([row["why"] for row in result["lost"]], ["was changed since"])

    def test_a_simulated_rule_takes_nothing_away_and_says_what_enforcing_it_does(self):
        daemon = self.begin({"a.docx": docx("credit card " + CARD)}, mode="simulate")
        self.assertEqual(self.mode("a.docx"), 0o664)
        item = self.item()
        self.assertIsNone(item["restriction"])
        would = item["decision"]["would"]["actions"]
        self.assertEqual([(step["do"], step["with"]) for step in would],
                         [("unshare", "internal-people")])
        daemon.rules("enforce", RULES)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait("the rule acts", lambda: self.mode("a.docx") == 0o660)
        daemon.settle()
        self.assertEqual(self.item()["decision"]["plan"]["actions"], would)

    def test_below_a_public_root_the_rest_is_taken_and_what_stays_is_told(self):
        daemon = self.begin({"www/a.docx": docx("credit card " + CARD)},
                            config="public_roots: [team/www]\n")
        item = self.item("/www/a.docx")
        self.assertEqual((item["outcome"], item["code"], item["exposure"], self.mode("www/a.docx")),
                         ("unshared", "inherited", "public", 0o660))
        self.assertEqual(item["restriction"]["state"], "done")
        self.assertIn("public root", item["message"])
        os.utime(self.path("www/a.docx"))
        daemon.wait("nothing is left to take", lambda: self.item("/www/a.docx")["outcome"] == "refused")
        self.assertEqual(self.item("/www/a.docx")["code"], "inherited")

    def test_what_cannot_be_taken_from_the_file_takes_the_file_when_the_rule_says_so(self):
        self.begin({"www/a.docx": docx("credit card " + CARD)}, ELSE,
                   config="public_roots: [team/www]\n")
        taken = not os.path.exists(self.path("www/a.docx"))
        self.assertTrue(taken or self.item("/www/a.docx")["outcome"] == "not-yet")

    def test_a_folder_has_no_links_to_end(self):
        self.begin({"a.docx": docx("credit card " + CARD)}, LINKS)
        item = self.item()
        self.assertEqual((item["outcome"], item["code"]), ("unchanged", "no-links"))
        self.assertEqual(self.mode("a.docx"), 0o664)

    def test_while_acting_is_stopped_nothing_is_taken_and_an_undo_still_works(self):
        daemon = self.begin({"a.docx": docx("credit card " + CARD)})
        self.assertEqual(daemon.ctl("stop-acting").returncode, 0)
        self.assertEqual(daemon.ctl("item", "undo", "/a.docx").returncode, 0)
        os.chmod(daemon.write("b.docx", docx("credit card " + CARD)), 0o644)
        daemon.wait("the visit", lambda: "/b.docx" in daemon.items())
        daemon.settle()
        self.assertEqual((self.mode("a.docx"), self.mode("b.docx")), (0o664, 0o644))
        self.assertEqual(self.item("/b.docx")["outcome"], "stopped")

    def test_answers_of_an_undo(self):
        daemon = self.begin({"a.docx": docx("credit card " + CARD), "b.docx": docx("hello")})
        items = daemon.items()
        path = f"/api/v1/items/{items['/a.docx']['id']}/undo"
        self.assertEqual(daemon.ask(path)[0], 405)
        self.assertEqual(daemon.ask(path, "POST", token="")[0], 401)
        self.assertEqual(daemon.ask(path, "POST", {"reason": 1})[0], 400)
        self.assertEqual(daemon.ask(path, "POST", {"why": "x"})[0], 400)
        self.assertEqual(daemon.ask("/api/v1/items/1/undo", "POST")[0], 404)
        other = f"/api/v1/items/{items['/b.docx']['id']}/undo"
        self.assertEqual(daemon.ask(other, "POST")[0], 409)
        self.assertEqual(daemon.ask(path, "POST")[0], 428)
        seen = self.item()["restriction"]["version"]
        stale, match = ({"If-Match": f'"{version}"'} for version in (seen + 1, seen))
        self.assertEqual(daemon.ask(path, "POST", headers=stale)[0], 412)
        self.assertEqual(daemon.ask(path + "?dry_run=yes", "POST", headers=match)[0], 400)
        status, _, answer = daemon.ask(path + "?dry_run=1", "POST", headers=match)
        self.assertEqual((status, answer["state"]), (200, "done"))
        self.assertEqual((self.mode("a.docx"), self.audited("undo-asked")), (0o660, []))
        run = daemon.ctl("token", "create", "--name", "eva", "--role", "viewer", "--json")
        viewer = json.loads(run.stdout)["token"]
        self.assertEqual(daemon.ask(path, "POST", token=viewer)[0], 403)
        status, _, answer = daemon.ask(path, "POST", {"reason": "wrong file"}, headers=match)
        self.assertEqual((status, answer["state"], answer["asked_why"]),
                         (202, "undoing", "wrong file"))
        daemon.wait("the undo", lambda: self.item()["restriction"]["state"] == "undone")
        self.assertEqual(len(self.audited("undo-asked")), 1)
        run = daemon.ctl("item", "undo", "/none.docx")
        self.assertEqual(run.returncode, 4)
        self.assertIn("no such file", run.stderr)


if __name__ == "__main__":
    sys.exit(running.main(Sharing))
