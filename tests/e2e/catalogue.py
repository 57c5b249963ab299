#!/usr/bin/env python3
"""Rules over the whole catalogue: simulated before they act, decided again when they change."""
import json
import os
import sys
import urllib.parse

import running
from running import CARD, Case, docx

TRIED = f"""site: {running.SITE}
labels:
  - {{ name: General, id: {running.GENERAL} }}
  - {{ name: Finance, id: {running.FINANCE} }}
  - {{ name: Secret, id: e7f2a6c8-4b15-4a9e-9c3d-8a5b7d6e2f05 }}
rules:
  - name: secret cards
    when: {{ findings: {{ type: credit-card, at_least: 1 }} }}
    then: {{ label: Secret }}
    mode: enforce
  - name: away
    when: {{ findings: {{ type: credit-card, at_least: 1 }}, path: /a/ }}
    then: {{ quarantine: true, alert: high }}
  - name: whose
    when: {{ owner: '*@example.com' }}
    then: {{ tag: [ours] }}
"""


class Catalogue(Case):
    def cards(self, count, **more):
        files = {f"a/{n}.docx": docx("credit card " + CARD) for n in range(count)}
        daemon = self.run_on(files | more.pop("files", {"b/plain.txt": b"hello"}), **more)
        daemon.settle()
        return daemon

    def simulate(self, rules=None, token=None):
        daemon = self.daemon
        status, _, task = daemon.ask("/api/v1/tasks", "POST", {
            "kind": "simulate", "input": {} if rules is None else {"rules": rules}}, token=token)
        self.assertEqual(status, 202, task)
        task = daemon.ask(f"/api/v1/tasks/{task['id']}?wait=30", token=token)[2]
        self.assertEqual(task["state"], "done", task)
        return task

    def test_a_simulation_says_what_would_happen_and_changes_nothing(self):
        daemon = self.cards(5)
        self.wait_label("a/0.docx", [running.FINANCE])
        daemon.settle()
        before = daemon.ask("/api/v1/items")[2]
        task = self.simulate(TRIED)
        result = task["result"]
        self.assertEqual(result["items"], 6)
        rules = {rule["name"]: rule for rule in result["rules"]}
        self.assertEqual({name: (rule["matched"], rule["would_act"], rule["undecided"],
                                 rule["mode"]) for name, rule in rules.items()},
                         {"secret cards": (5, 5, 0, "enforce"), "away": (5, 5, 0, "simulate"),
                          "whose": (0, 0, 0, "simulate")})
        self.assertEqual({row["path"] for row in rules["away"]["samples"]},
                         {f"/a/{n}.docx" for n in range(5)})
        changes = {row["change"]: (row["items"], row["if_enforced"]) for row in result["changes"]}
        self.assertEqual(changes["+ label Secret"], (5, 5))
        self.assertEqual(changes["- label Finance"], (5, 5))
        self.assertEqual(changes["+ quarantine"], (0, 5))
        self.assertEqual(daemon.ask("/api/v1/items")[2], before)
        self.assertEqual(daemon.ask("/api/v1/quarantine")[2]["items"], [])
        self.page(task)
        again = self.simulate()["result"]
        self.assertTrue(all(row["items"] == 0 for row in again["changes"]), again["changes"])
        self.assertEqual(again["revision"], again["revision_now"])

    def page(self, task):
        daemon = self.daemon
        base = f"/api/v1/tasks/{task['id']}/items?"
        query = base + urllib.parse.urlencode({"change": "+ quarantine", "limit": 2})
        page, seen = daemon.ask(query)[2], []
        while True:
            seen += page["items"]
            if not page["next"]:
                break
            page = daemon.ask(query + "&cursor=" + page["next"])[2]
        self.assertEqual({row["path"] for row in seen}, {f"/a/{n}.docx" for n in range(5)})
        self.assertEqual(len(seen), 5)
        self.assertEqual(seen[0]["changes"], [
            {"change": "+ quarantine", "rule": "away", "only_if_enforced": True}])
        for query, count in (({"rule": "secret cards"}, 5), ({"rule": "none such"}, 0),
                             ({"rule": "away", "change": "+ label Secret"}, 0), ({}, 5)):
            page = daemon.ask(base + urllib.parse.urlencode(query))[2]
            self.assertEqual(len(page["items"]), count, query)
        self.assertEqual(daemon.ask(f"/api/v1/tasks/{task['id']}/content")[0], 409)

    def test_who_may_simulate_and_what(self):
        daemon = self.cards(1)
        tokens = {role: daemon.ctl("token", "create", "--role", role, "--name", role)
                  .stdout.strip() for role in ("viewer", "compliance", "reviewer")}
        ask = {"kind": "simulate", "input": {}}
        for role, status in (("viewer", 403), ("reviewer", 403), ("compliance", 202)):
            self.assertEqual(daemon.ask("/api/v1/tasks", "POST", ask, token=tokens[role])[0],
                             status, role)
        task = self.simulate(TRIED, tokens["compliance"])
        path = f"/api/v1/tasks/{task['id']}"
        for end in ("", "/items"):
            self.assertEqual(daemon.ask(path + end, token=tokens["reviewer"])[0], 404)
            self.assertEqual(daemon.ask(path + end, token=tokens["compliance"])[0], 200)
        for wrong in ({"rules": 1}, {"rules": "rules: [", "more": 1}, {"file": "x"}, [],
                      {"rules": "rules: ["}, {"rules": TRIED.replace("Secret }", "Sekret }")}):
            status, _, problem = daemon.ask("/api/v1/tasks", "POST", ask | {"input": wrong})
            self.assertEqual(status, 400, (wrong, problem))
        record = daemon.ask("/api/v1/audit?event=rules-simulated")[2]["items"]
        self.assertEqual(record[0]["actor"], "compliance")

    def test_labelctl_shows_a_simulation(self):
        daemon = self.cards(3)
        path = os.path.join(daemon.home, "tried.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(TRIED)
        shown = daemon.ctl("rules", "simulate", "--rules", path, "--samples", "1")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        for words in ("4 files decided", "+ label Secret 3 · - label Finance 3",
                      "          3          3          0          0  enforce   secret cards",
                      "if all were enforced", "+ quarantine 3", "for example, away:", "team/a/"):
            self.assertIn(words, shown.stdout)
        whole = json.loads(daemon.ctl("rules", "simulate", "--json").stdout)
        self.assertEqual(whole["result"]["items"], 4)
        self.assertEqual(daemon.ctl("rules", "simulate", "--rules", "/nowhere").returncode, 2)


    # The rules of a running daemon

    def put(self, text, version=None, **more):
        daemon = self.daemon
        if version is None:
            version = daemon.ask("/api/v1/rules")[2]["version"]
        return daemon.ask("/api/v1/rules", "PUT", {"rules": text, **more},
                          headers={"If-Match": str(version)})

    def applied(self):
        return self.daemon.wait("the rules", lambda: (
            lambda rules: rules if rules["applied"] else None)(
                self.daemon.ask("/api/v1/rules")[2]))

    def test_rules_are_put_and_rolled_back_over_the_api(self):
        daemon = self.cards(2)
        self.wait_label("a/0.docx", [running.FINANCE])
        first = self.applied()
        self.assertEqual((first["number"], first["origin"], first["author"], first["brakes"]),
                         (1, "file", "labeld", []))
        self.assertEqual(daemon.ask("/api/v1/rules", "PUT", {"rules": TRIED})[0], 428)
        self.assertEqual(self.put(TRIED, 7)[0], 412)
        for wrong in ("rules: [", TRIED.replace("Secret }", "Sekret }"), 1,
                      TRIED + "tests: [{ findings: { credit-card: 1 }, expect: { rules: [] } }]"):
            self.assertEqual(self.put(wrong)[0], 400, wrong)
        self.assertEqual(daemon.ask("/api/v1/rules")[2]["number"], 1)
        status, _, rules = self.put(TRIED, reason="ticket 7", simulation="12")
        self.assertEqual((status, rules["number"], rules["origin"], rules["text"]),
                         (200, 2, "put", TRIED))
        self.wait_label("a/0.docx", ["e7f2a6c8-4b15-4a9e-9c3d-8a5b7d6e2f05"])
        record = daemon.ask("/api/v1/audit?event=rules-put")[2]["items"][0]
        self.assertEqual((record["details"]["reason"], record["details"]["simulation"]),
                         ("ticket 7", "12"))
        rules = daemon.status()["rules"]
        self.assertTrue(rules["file_differs"])
        self.assertIsNone(rules["problem"])
        diff = daemon.ask("/api/v1/rules/diff")[2]
        self.assertEqual((diff["from"], diff["to"]), (1, 2))
        self.assertIn("\n+  - name: secret cards\n", diff["diff"])
        daemon.stop()
        daemon.start()
        self.assertEqual(self.applied()["number"], 2)
        status, _, rules = daemon.ask("/api/v1/rules/rollback", "POST", {"number": 1},
                                      headers={"If-Match": "2"})
        self.assertEqual((status, rules["number"], rules["origin"]), (200, 3, "rollback"))
        self.applied()
        self.assertFalse(daemon.status()["rules"]["file_differs"])
        page = daemon.ask("/api/v1/rules/revisions?limit=2")[2]
        rest = daemon.ask("/api/v1/rules/revisions?limit=2&cursor=" + page["next"])[2]
        self.assertEqual([row["number"] for row in page["items"] + rest["items"]], [3, 2, 1])
        self.assertEqual(daemon.ask("/api/v1/rules/revisions/2")[2]["text"], TRIED)
        for path in ("rules/revisions/9", "rules/diff?from=9", "rules/diff?to=9"):
            self.assertEqual(daemon.ask("/api/v1/" + path)[0], 404, path)
        templates = daemon.ask("/api/v1/rules/templates")[2]["items"]
        self.assertEqual(len(templates), 10)
        for template in templates:
            status, _, found = daemon.ask("/api/v1/rules/check", "POST",
                                          {"rules": template["text"]})
            self.assertEqual((status, found["errors"] - sum(
                "unknown target" in row["message"] for row in found["problems"])), (200, 0),
                             (template["name"], found))

    def test_labelctl_applies_shows_and_rolls_back(self):
        daemon = self.cards(1)
        path = os.path.join(daemon.home, "tried.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(TRIED)
        run = daemon.ctl("rules", "diff", "--rules", path)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertIn("--- in force (revision 1)\n", run.stdout)
        run = daemon.ctl("rules", "apply", "--rules", path, "--reason", "ticket 9")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("revision 2 is in force", run.stdout)
        self.assertEqual(daemon.ctl("rules", "diff", "--rules", path).returncode, 0)
        self.assertIn("+++ revision 2", daemon.ctl("rules", "diff", "1", "2").stdout)
        run = daemon.ctl("rules", "rollback", "1")
        self.assertIn("revision 3 is in force", run.stdout, run.stderr)
        self.assertEqual([line.split()[0] for line in
                          daemon.ctl("rules", "revisions").stdout.splitlines()], ["3", "2", "1"])
        with open(path, "w", encoding="utf-8") as file:
            file.write(TRIED.replace("label: Secret", "label: Sekret"))
        for command in ("apply", "simulate"):
            run = daemon.ctl("rules", command, "--rules", path)
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn('did you mean "Secret"?', run.stderr)
        self.assertEqual(daemon.ctl("rules", "rollback", "x").returncode, 2)
        self.assertEqual(daemon.ctl("rules", "rollback", "99").returncode, 4)

    # The brake

    def braked(self, brake, then="label: Secret", mode="enforce"):
        head = TRIED[:TRIED.index("rules:")]
        return head + f"""rules:
  - name: secret cards
    when: {{ findings: {{ type: credit-card, at_least: 1 }} }}
    then: {{ {then} }}
    mode: {mode}
    brake: {{ {brake} }}
"""

    def labelled(self, label="Secret"):
        return sum(row["label"] == label for row in self.daemon.items().values())

    def test_a_rule_that_would_change_too_much_starts_held(self):
        daemon = self.cards(6)
        daemon.wait("labels", lambda: self.labelled("Finance") == 6)
        self.put(self.braked("items: 3, share: 10%"))
        rules = self.applied()
        brake = rules["brakes"][0]
        self.assertEqual((brake["rule"], brake["state"], brake["when"], brake["items"]),
                         ("secret cards", "held", "apply", 6))
        daemon.settle()
        self.assertEqual(self.labelled(), 0)
        alerts = daemon.ask("/api/v1/alerts")[2]["items"]
        self.assertEqual([(row["about"], row["level"]) for row in alerts],
                         [("brake: secret cards", "high")])
        shown = daemon.ctl("status").stdout
        self.assertIn('HELD        "secret cards" would change 6 files', shown)
        why = daemon.ask("/api/v1/items/%s/explain" % daemon.items()["/a/0.docx"]["id"])[2]
        rule = why["decision"]["rules"][0]
        self.assertEqual((rule["held"], rule["mode"], rule["state"]), (True, "simulate", "matched"))
        daemon.stop(running.signal.SIGKILL)
        daemon.start()
        daemon.settle()
        self.assertEqual(self.labelled(), 0)
        for body in ({"rule": "none"}, {"rule": "none", "items": 1}):
            self.assertIn(daemon.ask("/api/v1/rules/approve", "POST", body)[0], (400, 409))
        run = daemon.ctl("rules", "approve", "secret cards", "--items", "2", "--reason", "seen")
        self.assertEqual(run.returncode, 0, run.stderr)
        daemon.wait("the approved ones", lambda: self.labelled() == 2)
        daemon.wait("the brake again", lambda: daemon.ask(
            "/api/v1/rules")[2]["brakes"][0]["state"] == "held")
        daemon.settle()
        self.assertEqual(self.labelled(), 2)
        self.assertEqual(len(daemon.ask("/api/v1/audit?event=rule-approved")[2]["items"]), 1)
        run = daemon.ctl("rules", "approve", "secret cards", "--items", "6")
        daemon.wait("all", lambda: self.labelled() == 6)
        daemon.write("a/new.docx", docx("credit card " + CARD))
        daemon.wait("a new one", lambda: self.labelled() == 7)
        daemon.settle()
        self.assertEqual(daemon.ask("/api/v1/alerts?state=open")[2]["items"], [])

    def test_a_rule_that_is_not_new_is_not_held_and_a_rejected_one_stays(self):
        daemon = self.cards(5)
        daemon.wait("labels", lambda: self.labelled("Finance") == 5)
        self.put(self.braked("items: 5, share: 1%"))
        self.assertEqual(self.applied()["brakes"], [])
        daemon.wait("labels", lambda: self.labelled() == 5)
        self.put(self.braked("items: 1, share: 1%", "label: Secret, unshare: { to: private }"))
        self.applied()
        daemon.settle()
        self.put(self.braked("items: 1, share: 1%", "quarantine: true"))
        self.assertEqual(self.applied()["brakes"][0]["items"], 5)
        run = daemon.ctl("rules", "reject", "secret cards", "--reason", "too wide")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.put(self.braked("items: 1, share: 1%", "quarantine: true") + "# the same\n")
        brakes = self.applied()["brakes"]
        self.assertEqual([(row["rule"], row["state"]) for row in brakes],
                         [("secret cards", "rejected")])
        daemon.settle()
        self.assertEqual(daemon.ask("/api/v1/quarantine")[2]["items"], [])
        self.put(self.braked("items: 9, share: 1%", "quarantine: true"))
        self.assertEqual(self.applied()["brakes"], [])
        daemon.wait("the quarantine",
                    lambda: len(daemon.ask("/api/v1/quarantine")[2]["items"]) == 5)

    def test_a_rule_that_hurts_too_much_while_it_runs_is_held(self):
        daemon = self.run_on({"b.txt": b"hello"})
        daemon.settle()
        self.put(self.braked("items: 3, share: 100%", "quarantine: true"))
        self.assertEqual(self.applied()["brakes"], [])
        for number in range(8):
            daemon.write(f"a/{number}.docx", docx("credit card " + CARD))
        daemon.wait("the brake", lambda: daemon.ask("/api/v1/rules")[2]["brakes"])
        taken = lambda: len(daemon.ask("/api/v1/quarantine")[2]["items"])  # noqa: E731
        daemon.wait("eight decided", lambda: sum(  # those that were taken away stay in the list
            path.startswith("/a/") for path in daemon.items()) == 8)
        daemon.settle()
        before = taken()
        self.assertIn(before, (1, 2, 3))  # one that had to be tried again may have lost its turn
        brake = daemon.ask("/api/v1/rules")[2]["brakes"][0]
        self.assertEqual((brake["state"], brake["when"], brake["items"]), ("held", "running", 3))
        self.assertEqual(len(daemon.ask("/api/v1/alerts?state=open")[2]["items"]), 1)
        daemon.stop(running.signal.SIGKILL)
        daemon.start()
        daemon.write("a/9.docx", docx("credit card " + CARD))
        daemon.wait("the ninth", lambda: "/a/9.docx" in daemon.items())
        daemon.settle()
        self.assertEqual(taken(), before)
        daemon.ctl("rules", "approve", "secret cards", "--items", "8")
        daemon.wait("the rest", lambda: taken() == 9)

    def test_what_a_kill_cuts_is_applied_at_the_next_start(self):
        daemon = self.cards(6)
        daemon.wait("labels", lambda: self.labelled("Finance") == 6)
        self.put(self.braked("items: 3, share: 10%"))
        daemon.stop(running.signal.SIGKILL)
        daemon.start()
        rules = self.applied()
        self.assertEqual((rules["number"], rules["brakes"][0]["state"]), (2, "held"))
        daemon.settle()
        self.assertEqual(self.labelled(), 0)

    def test_reports_are_decided_again_without_fetching(self):
        daemon = self.cards(4)
        daemon.wait("labels", lambda: self.labelled("Finance") == 4)
        examined = len(daemon.ask("/api/v1/audit?event=examined&limit=500")[2]["items"])
        labelled = len(daemon.ask("/api/v1/audit?event=labelled&limit=500")[2]["items"])
        self.put(self.braked("items: 9", "tag: [wanted]"))
        self.applied()
        daemon.wait("the tags", lambda: len(daemon.ask(
            "/api/v1/items?tag=wanted")[2]["items"]) == 4)
        daemon.settle()
        self.assertEqual(len(daemon.ask("/api/v1/audit?event=examined&limit=500")[2]["items"]),
                         examined)
        self.assertEqual(len(daemon.ask("/api/v1/audit?event=labelled&limit=500")[2]["items"]),
                         labelled)
        daemon.wait("all decided", lambda: daemon.status()["rules"]["deciding"] is None)


if __name__ == "__main__":
    sys.exit(running.main(Catalogue))
