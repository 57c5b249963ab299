#!/usr/bin/env python3
"""People steer a running labeld: connections are walked, paused and resumed; all acting is
stopped and goes on."""
import json
import os
import signal
import sys

import running
from running import CARD, FINANCE, GENERAL, Case, docx, labels

CONNECTION = "/api/v1/connections/team"


class Steer(Case):
    def connection(self):
        return self.daemon.ask(CONNECTION)[2]

    def audited(self, event):
        """(actor, details) of the records of an event."""
        import sqlite3
        database = sqlite3.connect(os.path.join(self.daemon.state, "labeld.db"))
        rows = [json.loads(row[0]) for row in
                database.execute("SELECT body FROM audit ORDER BY seq")]
        database.close()
        return [(row["actor"], row.get("details")) for row in rows if row["event"] == event]

    def test_a_paused_connection_keeps_its_changes_and_does_nothing(self):
        daemon = self.run_on({"a.docx": docx("hi")})
        self.wait_label("a.docx", [GENERAL])
        daemon.settle()
        run = daemon.ctl("connections", "pause", "team", "--reason", "the server moves")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("by admin: the server moves", run.stdout)
        daemon.write("b.docx", docx("ho"))
        daemon.write("c.docx", docx("credit card " + CARD))
        daemon.wait("the changes", lambda: self.connection()["jobs"]["queued"] >= 2)
        status = daemon.status()["connections"][0]
        self.assertEqual((status["state"], status["paused"]["who"], status["paused"]["why"]),
                         ("paused", "admin", "the server moves"))
        self.assertIn("paused since", daemon.ctl("connections", "list").stdout)
        self.assertIn("paused since", daemon.ctl("status").stdout)
        again = daemon.ctl("connections", "pause", "team", "--reason", "another")
        self.assertIn("the server moves", again.stdout)
        scan = daemon.ctl("connections", "scan", "team")
        self.assertIn("begins when it is resumed", scan.stdout)
        daemon.stop(signal.SIGKILL)
        daemon.start()
        self.assertEqual(self.connection()["state"], "paused")
        self.assertEqual(self.connection()["jobs"]["running"], 0)
        self.assertEqual(labels(self.path("b.docx")), [])
        self.assertEqual(set(daemon.items()), {"/a.docx"})
        run = daemon.ctl("connections", "resume", "team", "--json")
        self.assertIsNone(json.loads(run.stdout)["paused"])
        self.wait_label("b.docx", [GENERAL])
        self.wait_label("c.docx", [FINANCE])
        daemon.settle()
        self.assertEqual(set(daemon.items()), {"/a.docx", "/b.docx", "/c.docx"})
        self.assertEqual([row[1].get("reason") for row in self.audited("connection-paused")],
                         ["the server moves"])
        self.assertEqual(self.audited("connection-resumed"), [("admin", {"role": "admin"})])

    def test_a_scan_walks_again_and_a_second_one_joins_it(self):
        daemon = self.run_on({f"{n}.txt": b"x" for n in range(30)})
        ended = self.connection()["walk"]["ended"]
        self.assertTrue(ended)
        walks = len(daemon.events("walked"))
        status, _, answer = daemon.ask(CONNECTION + "/scan", "POST", {"reason": "to be sure"})
        self.assertEqual((status, answer["scan"]), (202, "queued"))
        daemon.wait("another walk", lambda: len(daemon.events("walked")) == walks + 1)
        daemon.settle()
        states = set()
        for number in range(40):
            daemon.write(f"more/{number}.txt", b"y")
            states.add(daemon.ask(CONNECTION + "/scan", "POST")[2]["scan"])
        self.assertLessEqual(states, {"queued", "running"})
        daemon.settle()
        self.assertEqual(len(daemon.items()), 70)
        self.assertEqual(self.audited("walk-asked")[0],
                         ("admin", {"reason": "to be sure", "role": "admin"}))

    def test_answers_of_connections(self):
        daemon = self.run_on({})
        page = daemon.ask("/api/v1/connections")[2]
        self.assertEqual([row["name"] for row in page["items"]], ["team"])
        self.assertIsNone(page["next"])
        self.assertEqual(daemon.ask("/api/v1/connections/nope")[0], 404)
        for verb in ("scan", "pause", "resume"):
            path = f"{CONNECTION}/{verb}"
            self.assertEqual(daemon.ask(f"/api/v1/connections/nope/{verb}", "POST")[0], 404)
            self.assertEqual(daemon.ask(path)[0], 405)
            self.assertEqual(daemon.ask(path, "POST", token="")[0], 401)
            self.assertEqual(daemon.ask(path, "POST", {"reason": 1})[0], 400)
            self.assertEqual(daemon.ask(path, "POST", {"reason": "x" * 1001})[0], 400)
            self.assertEqual(daemon.ask(path, "POST", {"why": "x"})[0], 400)
            self.assertEqual(daemon.ask(path, "POST", ["x"])[0], 400)
            json_type = {"Content-Type": "application/json; charset=utf-8"}
            self.assertEqual(daemon.ask(path, "POST", b"{", headers=json_type)[0], 400)
            self.assertEqual(daemon.ask(path, "POST", b'{"reason":"x"}',
                                        headers={"Content-Type": "text/plain"})[0], 415)
            self.assertEqual(daemon.ask(path, "POST", {"reason": "x" * 5000})[0], 413)
        for verb, version in (("pause", 1), ("resume", 2)):
            path = f"{CONNECTION}/{verb}"
            self.assertEqual(daemon.ask(path, "POST")[0], 428)
            self.assertEqual(daemon.ask(path, "POST", headers={"If-Match": '"7"'})[0], 412)
            match = {"If-Match": f'"{version}"'}
            plan = daemon.ask(path + "?dry_run=1", "POST", headers=match)[2]
            self.assertEqual(self.connection()["version"], version)
            done = daemon.ask(path, "POST", headers=match)
            self.assertEqual((done[0], done[2]["state"]), (200, plan["state"]))
            self.assertEqual(self.connection()["version"], version + 1)
        status, _, plan = daemon.ask(CONNECTION + "/scan?dry_run=1", "POST")
        self.assertEqual((status, plan["scan"], self.audited("walk-asked")), (200, "queued", []))
        run = daemon.ctl("connections", "pause", "nope")
        self.assertEqual(run.returncode, 4)
        self.assertIn("no such", run.stderr)
        self.assertEqual(len(self.audited("connection-paused")), 1)

    def test_while_acting_is_stopped_files_are_examined_but_not_changed(self):
        daemon = self.run_on({"a.docx": docx("hi")})
        self.wait_label("a.docx", [GENERAL])
        daemon.settle()
        run = daemon.ctl("stop-acting", "--reason", "wrong labels")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("by admin: wrong labels", run.stdout)
        data = docx("credit card " + CARD)
        daemon.write("b.docx", data)
        daemon.wait("the visit", lambda: "/b.docx" in daemon.items())
        daemon.settle()
        item = daemon.items()["/b.docx"]
        self.assertEqual((item["outcome"], item["label"], item["status"]), ("stopped", None, "ok"))
        self.assertEqual(item["findings"][0]["type"], "credit-card")
        with open(self.path("b.docx"), "rb") as file:
            self.assertEqual(file.read(), data)
        self.assertEqual(daemon.items()["/a.docx"]["outcome"], "labelled")
        for command in (("status",), ("items",), ("connections", "list")):
            run = daemon.ctl(*command)
            self.assertEqual(run.returncode, 0)
            self.assertRegex(run.stderr, r"^labelctl: acting is stopped since \S+: .*\n$")
        self.assertIn("ACTING      STOPPED since", daemon.ctl("status").stdout)
        daemon.stop(signal.SIGKILL)
        daemon.start()
        daemon.settle()
        self.assertTrue(daemon.events("acting-stopped"))
        acting = daemon.ask("/api/v1/acting")[2]
        self.assertEqual((acting["acting"], acting["why"], acting["stopped_items"]),
                         (False, "wrong labels", 1))
        self.assertEqual(labels(self.path("b.docx")), [])
        run = daemon.ctl("resume-acting")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.wait_label("b.docx", [FINANCE])
        daemon.settle()
        self.assertEqual(daemon.items()["/b.docx"]["outcome"], "labelled")
        self.assertEqual(daemon.status()["acting"],
                         {"acting": True, "stopped_items": 0, "version": 3})
        self.assertEqual(daemon.ctl("status").stderr, "")
        self.assertEqual(self.audited("acting-stopped"),
                         [("admin", {"reason": "wrong labels", "role": "admin"})])
        self.assertEqual(len(self.audited("acting-resumed")), 1)

    def test_answers_of_acting(self):
        daemon = self.run_on({})
        for body in (None, {}, {"acting": "no"}, {"acting": 0}, {"acting": True, "x": 1}):
            self.assertEqual(daemon.ask("/api/v1/acting", "PUT", body)[0], 400, body)
        self.assertEqual(daemon.ask("/api/v1/acting", "PUT", {"acting": False}, token="")[0], 401)
        self.assertEqual(daemon.ask("/api/v1/acting", "POST", {"acting": False})[0], 405)
        self.assertEqual(daemon.ask("/api/v1/acting", "PUT", {"acting": False})[0], 428)
        for wrong in ("x", '"x"', "W/\"1\"", '"1", "2"', '""'):
            self.assertEqual(daemon.ask("/api/v1/acting", "PUT", {"acting": False},
                                        headers={"If-Match": wrong})[0], 400, wrong)
        first, second = ({"If-Match": f'"{number}"'} for number in (1, 2))
        status, _, answer = daemon.ask("/api/v1/acting?dry_run=1", "PUT", {"acting": False},
                                       headers=first)
        self.assertEqual((status, answer["acting"], answer["version"]), (200, False, 2))
        status, headers, answer = daemon.ask("/api/v1/acting")
        self.assertEqual((answer["acting"], headers["ETag"]), (True, '"1"'))
        status, headers, answer = daemon.ask("/api/v1/acting", "PUT", {"acting": False},
                                             headers=first)
        self.assertEqual((status, answer["why"], answer["who"]), (200, None, "admin"))
        self.assertTrue(headers["Labeld-Acting"].startswith("stopped; since="))
        self.assertEqual(daemon.ask("/api/v1/acting", "PUT", {"acting": True},
                                    headers=first)[0], 412)
        status, _, answer = daemon.ask("/api/v1/acting", "PUT", {"acting": False, "reason": "2"},
                                       headers=second)
        self.assertEqual((status, answer["why"]), (200, None))
        self.assertIsNone(daemon.ask("/healthz", token="")[1]["Labeld-Acting"])
        status, headers, answer = daemon.ask("/api/v1/acting", "PUT", {"acting": True},
                                             headers=second)
        self.assertEqual((status, answer["acting"], headers["Labeld-Acting"]), (200, True, None))
        self.assertEqual(daemon.ask("/api/v1/acting", "PUT", {"acting": True},
                                    headers=running.ANY)[0], 200)
        self.assertEqual(len(self.audited("acting-stopped")), 1)
        self.assertEqual(len(self.audited("acting-resumed")), 1)


if __name__ == "__main__":
    sys.exit(running.main(Steer))
