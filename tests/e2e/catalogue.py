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


if __name__ == "__main__":
    sys.exit(running.main(Catalogue))
