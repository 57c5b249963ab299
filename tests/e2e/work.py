#!/usr/bin/env python3
"""Single files, jobs, the record and the metrics over the API and labelctl."""
import json
import os
import re
import sqlite3
import sys

import running
from running import CARD, FINANCE, GENERAL, Case, docx


class Work(Case):
    def item(self, path):
        return self.daemon.items()[path]["id"]

    def test_a_file_is_shown_with_what_was_found_decided_and_done(self):
        daemon = self.run_on({"a/cards.docx": docx("credit card " + CARD)})
        self.wait_label("a/cards.docx", [FINANCE])
        daemon.settle()
        number = self.item("/a/cards.docx")
        status, _, item = daemon.ask("/api/v1/items/" + number)
        self.assertEqual((status, item["id"], item["label"]), (200, number, "Finance"))
        self.assertEqual(item["report"]["status"], "ok")
        self.assertEqual([row["event"] for row in item["history"]][-1], "labelled")
        status, _, why = daemon.ask(f"/api/v1/items/{number}/explain")
        self.assertEqual((status, why["current"]), (200, True))
        states = {rule["name"]: rule["state"] for rule in why["decision"]["rules"]}
        self.assertEqual(states["cards"], "matched")
        for word in (number, "/a/cards.docx"):
            shown = daemon.ctl("item", "show", word)
            self.assertEqual(shown.returncode, 0, shown.stderr)
            for words in ("label       Finance", "found       credit-card: 1", "matched     cards",
                          "labelled             labeld"):
                self.assertIn(words, shown.stdout)
        whole = json.loads(daemon.ctl("item", "show", number, "--json").stdout)
        self.assertEqual(whole["decision"], item["decision"])
        for word, words in (("/nowhere", "no item has the path"), ("77", "no such")):
            run = daemon.ctl("item", "show", word)
            self.assertEqual(run.returncode, 4)
            self.assertIn(words, run.stderr)
        for path in ("items/77", "items/77/explain", "items/x"):
            self.assertEqual(daemon.ask("/api/v1/" + path)[0], 404)
        self.assertEqual(daemon.ask("/api/v1/items/77/examine", "POST")[0], 404)

    def test_a_file_is_examined_again_when_asked(self):
        daemon = self.run_on({"a.txt": b"hello"})
        number = self.item("/a.txt")
        before = len(daemon.ask("/api/v1/audit?event=examined")[2]["items"])
        status, _, job = daemon.ask(f"/api/v1/items/{number}/examine", "POST", {"reason": "why"})
        self.assertEqual((status, job["kind"], job["key"], job["lane"]),
                         (202, "visit", "a.txt", "live"))
        daemon.settle()
        daemon.wait("the examination", lambda: len(
            daemon.ask("/api/v1/audit?event=examined")[2]["items"]) == before + 1)
        self.assertEqual(daemon.ctl("item", "examine", "/a.txt").returncode, 0)
        asked = daemon.ask("/api/v1/audit?event=examination-asked&sort=seq")[2]["items"]
        self.assertEqual([row["details"].get("reason") for row in asked], ["why", None])
        self.assertEqual(asked[0]["item"], number)

    def test_jobs_are_listed_and_tried_again(self):
        daemon = self.run_on({})
        daemon.ctl("connections", "pause", "team")
        for number in range(12):
            daemon.write(f"{number}.txt", b"x")
        daemon.wait("the changes", lambda: daemon.status()["jobs"]["queued"] == 12)
        page = daemon.ask("/api/v1/jobs?limit=5&state=queued")[2]
        seen = [job["key"] for job in page["items"]]
        while page["next"]:
            cursor = page["next"]
            page = daemon.ask(f"/api/v1/jobs?limit=5&state=queued&cursor={cursor}")[2]
            seen += [job["key"] for job in page["items"]]
        self.assertEqual(set(seen), {f"{n}.txt" for n in range(12)})
        self.assertEqual(len(seen), 12)
        self.assertEqual(daemon.ask(f"/api/v1/jobs?cursor={cursor}")[0], 400)
        queued = page["items"][0]["id"]
        path = f"/api/v1/jobs/{queued}"
        self.assertEqual(daemon.ask(path)[2]["state"], "queued")
        self.assertEqual(daemon.ask(path + "/retry", "POST")[0], 428)
        self.assertEqual(daemon.ask(path + "/retry", "POST", headers=running.ANY)[0], 409)
        daemon.stop()
        database = sqlite3.connect(os.path.join(daemon.state, "labeld.db"))
        database.execute("UPDATE job SET state = 5, attempt = 9, error = 'broken' WHERE id = ?",
                         (queued,))
        database.commit()
        database.close()
        daemon.start()
        failed = daemon.ask("/api/v1/jobs?state=failed&connection=team")[2]["items"]
        self.assertEqual([(job["id"], job["error"], job["attempts"]) for job in failed],
                         [(queued, "broken", 9)])
        shown = daemon.ctl("jobs", "--status", "failed")
        self.assertEqual(len(shown.stdout.splitlines()), 3)
        self.assertIn("broken", shown.stdout)
        self.assertEqual(len(daemon.ctl("jobs", "--json").stdout.splitlines()), 13)  # and a walk
        status, headers, job = daemon.ask(path)
        self.assertEqual((status, headers["ETag"]), (200, f'"{job["version"]}"'))
        stale = {"If-Match": f'"{job["version"] + 1}"'}
        self.assertEqual(daemon.ask(path + "/retry", "POST", headers=stale)[0], 412)
        status, _, plan = daemon.ask(path + "/retry?dry_run=1", "POST", headers=running.ANY)
        self.assertEqual((status, plan["state"], plan["attempts"]), (200, "queued", 0))
        self.assertEqual(daemon.ask(path)[2], job)
        run = daemon.ctl("jobs", "retry", queued, "--reason", "repaired")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(daemon.ask("/api/v1/jobs?state=failed")[2]["items"], [])
        daemon.ctl("connections", "resume", "team")
        daemon.settle()
        self.assertEqual(len(daemon.items()), 12)
        self.assertEqual(daemon.ask("/api/v1/jobs")[2], {"items": [], "next": None})
        self.assertEqual(daemon.ask(path)[0], 404)
        self.assertEqual(daemon.ask(path + "/retry", "POST")[0], 404)
        for wrong in ("state=done", "state=x", "connection=nope", "limit=0"):
            self.assertEqual(daemon.ask("/api/v1/jobs?" + wrong)[0], 400, wrong)
        retried = daemon.ask("/api/v1/audit?event=job-retried")[2]["items"]
        self.assertEqual([(row["actor"], row["details"]["reason"], row["details"]["error"])
                          for row in retried], [("admin", "repaired", "broken")])

    def test_the_record_is_listed_both_ways_and_by_filters(self):
        daemon = self.run_on({f"{n}.txt": b"x" for n in range(8)})
        daemon.ctl("token", "create", "--name", "Ann", "--role", "viewer")
        seen, cursor = [], ""
        while True:
            page = daemon.ask("/api/v1/audit?limit=3" + (f"&cursor={cursor}" if cursor else ""))[2]
            seen += [row["seq"] for row in page["items"]]
            cursor = page["next"]
            if not cursor:
                break
        self.assertEqual(seen, list(range(len(seen), 0, -1)))
        upwards = daemon.ask("/api/v1/audit?sort=seq&limit=500")[2]["items"]
        self.assertEqual([row["seq"] for row in upwards], sorted(seen))
        self.assertEqual(upwards[-1]["hash"], daemon.status()["audit"]["head"])
        number = self.item("/3.txt")
        for sort in ("seq", "-seq"):
            rows = daemon.ask(f"/api/v1/audit?item={number}&sort={sort}")[2]["items"]
            self.assertEqual([row["path"] for row in rows], ["/3.txt"] * len(rows))
            self.assertTrue(rows)
        by = daemon.ask("/api/v1/audit?actor=admin")[2]["items"]
        self.assertEqual([row["event"] for row in by], ["token-created"])
        self.assertEqual(daemon.ask("/api/v1/audit?actor=adm")[2]["items"], [])
        for wrong in ("item=x", "sort=at", "limit=501", "cursor=zz", "who=x"):
            self.assertEqual(daemon.ask("/api/v1/audit?" + wrong)[0], 400, wrong)
        shown = daemon.ctl("audit", "list", "--event", "token-created")
        self.assertRegex(shown.stdout, r"token-created +admin  token=1  name=Ann  token_role=viewer")

    def test_what_was_done_to_the_record_is_named(self):
        daemon = self.run_on({f"{n}.txt": b"x" for n in range(8)})
        head = daemon.status()["audit"]["head"]
        self.assertIn("head=", daemon.events("audit-head")[0])
        good = daemon.ctl("audit", "verify")
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assertIn("are as they were written; the head is " + head, good.stdout)
        daemon.stop()
        path = os.path.join(daemon.state, "labeld.db")
        swap = ("UPDATE audit SET seq = -1 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5;"
                "UPDATE audit SET seq = 5 WHERE seq = -1")
        cases = (
            ("UPDATE audit SET body = replace(body, 'labeld', 'nobody') WHERE seq = 3",
             "record 3 was changed", 2),
            ("UPDATE audit SET hash = substr(hash, 1, 63) || 'x' WHERE seq = 3",
             "record 3 was changed", 2),
            ("DELETE FROM audit WHERE seq = 1", "record 1 is missing", 0),
            ("DELETE FROM audit WHERE seq = 4", "record 4 is missing", 3),
            (swap, "in the place of record 4 stands record 5", 3),
            ("DELETE FROM audit WHERE seq > 6", "no record has the hash that was noted", None),
        )
        with open(path, "rb") as file:
            saved = file.read()
        for script, words, records in cases:
            database = sqlite3.connect(path)
            database.executescript(script)
            database.close()
            daemon.start()
            run = daemon.ctl("audit", "verify", "--head", head)
            self.assertEqual(run.returncode, 1, run.stderr)
            self.assertIn("BROKEN: " + words, run.stdout)
            answer = daemon.ask("/api/v1/audit/verify?head=" + head)[2]
            self.assertFalse(answer["ok"])
            if records is not None:
                self.assertEqual(answer["records"], records)
            daemon.stop()
            for name in ("labeld.db-wal", "labeld.db-shm"):
                if os.path.exists(os.path.join(daemon.state, name)):
                    os.unlink(os.path.join(daemon.state, name))
            with open(path, "wb") as file:
                file.write(saved)
        daemon.start()
        self.assertEqual(daemon.ctl("audit", "verify", "--head", head).returncode, 0)
        for wrong in ("x", "A" * 64, head[:-1], head + "0"):
            self.assertEqual(daemon.ask("/api/v1/audit/verify?head=" + wrong)[0], 400)

    def test_metrics_follow_the_conventions_and_count_what_happened(self):
        daemon = self.run_on({"a.docx": docx("hi")})
        self.wait_label("a.docx", [GENERAL])
        daemon.write("b.docx", docx("ho"))
        self.wait_label("b.docx", [GENERAL])
        daemon.settle()
        self.assertEqual(daemon.ask("/metrics", token="")[0], 401)
        daemon.ctl("stop-acting")
        status, headers, text = daemon.ask("/metrics")
        self.assertEqual((status, headers["Content-Type"]),
                         (200, "text/plain; version=0.0.4; charset=utf-8"))
        types, values, helps = {}, {}, set()
        for line in text.decode().splitlines():
            if line.startswith("# TYPE "):
                _, _, family, kind = line.split(" ")
                self.assertNotIn(family, types)
                types[family] = kind
            elif line.startswith("# HELP "):
                self.assertTrue(line.split(" ", 3)[3])
                helps.add(line.split(" ")[2])
            else:
                match = re.fullmatch(r'([a-z_]+)(\{(?:[a-z]+="[^"\\]*",?)+\})? (\d+(?:\.\d+)?)', line)
                self.assertTrue(match, line)
                family = re.sub("_(bucket|sum|count)$", "", match[1])
                family = family if types.get(family) == "histogram" else match[1]
                self.assertIn(family, types, line)
                self.assertEqual(types[family] == "counter", family.endswith("_total"), line)
                self.assertNotIn(match[1] + (match[2] or ""), values)
                values[match[1] + (match[2] or "")] = float(match[3])
        self.assertEqual(helps, set(types))
        for family, kind in types.items():  # base units, said at the end; no reserved endings
            self.assertNotRegex(family, "_(count|sum|bucket|ms|us|milliseconds|kb|mb)(_|$)")
            self.assertTrue(kind != "histogram" or family.endswith("_seconds"), family)
        self.assertEqual(values['labeld_items{status="ok"}'], 2)
        self.assertEqual(values["labeld_items_labelled"], 2)
        self.assertEqual(values["labeld_acting"], 0)
        self.assertEqual(values['labeld_connection_paused{connection="team"}'], 0)
        self.assertEqual(values['labeld_change_to_label_seconds_count{lane="live"}'] +
                         values['labeld_change_to_label_seconds_count{lane="backfill"}'], 2)
        self.assertGreaterEqual(values['labeld_change_to_label_seconds_count{lane="live"}'], 1)
        self.assertEqual(values['labeld_change_to_label_seconds_bucket{lane="live",le="+Inf"}'],
                         values['labeld_change_to_label_seconds_count{lane="live"}'])
        self.assertGreaterEqual(values["labeld_api_refusals_total"], 1)
        self.assertGreater(values["labeld_audit_records_total"], 3)


if __name__ == "__main__":
    sys.exit(running.main(Work))
