#!/usr/bin/env python3
"""Tokens and roles: every cell of roles x routes, read from the tables that the daemon is built
from (daemon/http/roles.def, routes.def)."""
import json
import os
import signal
import sqlite3
import sys

import running
from running import Case
from tables import caps, may, roles, routes


def filled(path):
    return path.replace("{name}", "no-such").replace("{id}", "999999")


class Roles(Case):
    def create(self, role, name=None):
        run = self.daemon.ctl("token", "create", "--role", role, "--name", name or "a " + role)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("shown this once", run.stderr)
        return run.stdout.strip()

    def test_every_cell_of_roles_and_routes(self):
        daemon = self.run_on({"a.txt": b"x"})
        tokens = {role: "" if role == "nobody" else self.create(role) for role in roles()}
        self.assertEqual(set(tokens), {"nobody", "viewer", "compliance", "reviewer", "admin"})
        table = list(routes())
        self.assertGreater(len(table), 10)
        cells = 0
        for method, path, operation, needs, answers in table:
            asked = filled(path)
            for role, token in tokens.items():
                status = daemon.ask(asked, method, token=token)[0]
                cell = (role, operation, status)
                if may(role, needs):
                    self.assertIn(status, [*answers, 400, 404, 428], cell)
                else:
                    self.assertEqual(status, 401 if role == "nobody" else 403, cell)
                cells += 1
        self.assertEqual(cells, 5 * len(table))

    def test_every_route_gives_every_answer_of_the_listener(self):
        """What is answered before a handler is asked, on each row of the table by itself."""
        daemon = self.run_on({})
        weak = {"COMPLIANCE": self.create("reviewer"), "ADMIN": self.create("viewer")}
        weak["REVIEWER"] = weak["EITHER"] = weak["ADMIN"]
        plain = {"Content-Type": "text/plain"}
        for method, path, operation, needs, _ in routes():
            asked, cap = filled(path), caps()[operation]
            answers = [(421, daemon.ask(asked, method, headers={"Host": "evil.example"})),
                       (400, daemon.ask(asked + "?no_such_parameter=1", method)),
                       (413, daemon.ask(asked, method, b" " * (cap + 1), headers=plain))]
            if cap:
                answers.append((415, daemon.ask(asked, method, b"{}", headers=plain)))
            if needs != "NOBODY":
                answers.append((401, daemon.ask(asked, method, token="")))
            if needs in weak:
                answers.append((403, daemon.ask(asked, method, token=weak[needs])))
            for wanted, (status, headers, problem) in answers:
                cell = (operation, wanted, status)
                self.assertEqual(status, wanted, cell)
                self.assertEqual((headers["Content-Type"], problem["status"]),
                                 ("application/problem+json", wanted), cell)
        with open(os.path.join(running.SCRATCH, "openapi.json"), "w", encoding="utf-8") as file:
            json.dump(daemon.ask("/api/v1/openapi.json")[2], file)

    def test_every_route_says_when_the_store_cannot_be_used(self):
        daemon = self.run_on({})
        token = self.create("admin")
        database = sqlite3.connect(os.path.join(daemon.state, "labeld.db"), timeout=60)
        for table in ("token", "audit"):
            database.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
        database.commit()
        for method, path, operation, needs, _ in routes():
            if needs == "NOBODY" and operation != "getReady":
                continue
            status, headers, _ = daemon.ask(filled(path), method, token=token)
            self.assertEqual((operation, status), (operation, 503))
            self.assertGreater(int(headers["Retry-After"]), 0)
        self.assertEqual(daemon.ask("/healthz", token="")[0], 200)
        for table in ("token", "audit"):
            database.execute(f"ALTER TABLE {table}_away RENAME TO {table}")
        database.commit()
        database.close()
        self.assertEqual(daemon.ask("/readyz", token="")[0], 200)
        self.assertEqual(daemon.ask("/api/v1/status", token=token)[0], 200)

    def test_every_route_is_under_a_rate(self):
        self.daemon = daemon = running.Daemon(self._testMethodName)
        daemon.limit(api_rate=1, api_address_rate=1)
        daemon.start()
        for method, path, operation, needs, _ in routes():
            token = "" if needs == "NOBODY" else None
            seen = [daemon.ask(filled(path), method, token=token)[0]]
            while seen[-1] != 429 and len(seen) < 100:
                seen.append(daemon.ask(filled(path), method, token=token)[0])
            self.assertEqual((operation, seen[-1]), (operation, 429), seen)
        daemon.wait("a second", lambda: daemon.ask("/healthz", token="")[0] == 200)

    def test_a_token_is_shown_once_and_only_its_hash_is_kept(self):
        daemon = self.run_on({})
        token = self.create("viewer", "monitoring of Müller & Söhne")
        self.assertRegex(token, r"^labeld_[A-Za-z0-9_-]{43}$")
        self.assertEqual(daemon.ask("/api/v1/status", token=token)[0], 200)
        daemon.wait("its use", lambda: daemon.ask("/api/v1/tokens")[2]["items"][0]["used"])
        listed = daemon.ask("/api/v1/tokens")[2]["items"]
        self.assertEqual([(row["name"], row["role"], row["created_by"]) for row in listed],
                         [("monitoring of Müller & Söhne", "viewer", "admin")])
        self.assertNotIn("token", listed[0])
        shown = daemon.ctl("token", "list")
        self.assertIn("monitoring of Müller & Söhne", shown.stdout)
        daemon.stop()
        for folder, _, names in os.walk(daemon.home):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(token.encode(), file.read(), name)
        daemon.start()
        self.assertEqual(daemon.ask("/api/v1/status", token=token)[0], 200)
        for wrong in (token[:-1], token + "x", token.upper(), token.replace("labeld_", ""),
                      "labeld_", "x" * 5000):
            self.assertEqual(daemon.ask("/api/v1/status", token=wrong)[0], 401)

    def test_a_revoked_token_is_invalid_at_once(self):
        daemon = self.run_on({})
        token = self.create("admin", "second")
        number = daemon.ask("/api/v1/tokens", token=token)[2]["items"][0]["id"]
        run = daemon.ctl("token", "revoke", number, "--reason", "left the company")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("second (admin)", run.stdout)
        self.assertEqual(daemon.ask("/api/v1/status", token=token)[0], 401)
        self.assertEqual(daemon.ctl("token", "revoke", number).returncode, 4)
        daemon.stop(signal.SIGKILL)
        daemon.start()
        self.assertEqual(daemon.ask("/api/v1/status", token=token)[0], 401)
        self.assertNotEqual(self.create("admin", "second"), token)

    def test_who_did_it_is_on_record(self):
        daemon = self.run_on({})
        token = self.create("admin", "Ann")
        daemon.ask("/api/v1/connections/team/pause", "POST", {"reason": "why not"},
                   token=token, headers=running.ANY)
        daemon.ask("/api/v1/acting", "PUT", {"acting": False}, token=token, headers=running.ANY)
        self.assertEqual(daemon.ask("/api/v1/acting")[2]["who"], "Ann")
        daemon.stop()
        database = sqlite3.connect(os.path.join(daemon.state, "labeld.db"))
        bodies = [row[0] for row in database.execute("SELECT body FROM audit ORDER BY seq")]
        database.close()
        by_ann = [body for body in bodies if '"actor":"Ann"' in body]
        self.assertEqual(len(by_ann), 2)
        self.assertIn('"reason":"why not"', by_ann[0])
        self.assertFalse([body for body in bodies if "labeld_" in body])

    def test_answers_of_tokens(self):
        daemon = self.run_on({})
        good = {"name": "a", "role": "viewer"}
        status, _, made = daemon.ask("/api/v1/tokens", "POST", good)
        self.assertEqual((status, made["role"]), (201, "viewer"))
        self.assertEqual(daemon.ask("/api/v1/tokens", "POST", good)[0], 409)
        for wrong in ({"name": "b"}, {"role": "viewer"}, {"name": "b", "role": "root"},
                      {"name": "b", "role": "nobody"}, {"name": "", "role": "viewer"},
                      {"name": "x" * 65, "role": "viewer"}, {"name": "a\nb", "role": "viewer"},
                      {"name": "admin", "role": "viewer"}, {"name": "labeld", "role": "viewer"},
                      {"name": 1, "role": "viewer"}, {"name": "b", "role": "viewer", "id": "1"}):
            self.assertEqual(daemon.ask("/api/v1/tokens", "POST", wrong)[0], 400, wrong)
        for number in range(5):
            daemon.ask("/api/v1/tokens", "POST", {"name": f"n{number}", "role": "reviewer"})
        page = daemon.ask("/api/v1/tokens?limit=4")[2]
        rest = daemon.ask(f"/api/v1/tokens?limit=4&cursor={page['next']}")[2]
        self.assertEqual([row["name"] for row in page["items"] + rest["items"]],
                         ["a", "n0", "n1", "n2", "n3", "n4"])
        self.assertIsNone(rest["next"])
        self.assertEqual(daemon.ask("/api/v1/tokens?cursor=00000000.3")[0], 400)
        for wrong in ("0", "99", "x", "-1", "9" * 30):
            self.assertEqual(daemon.ask(f"/api/v1/tokens/{wrong}", "DELETE")[0], 404, wrong)
        path = "/api/v1/tokens/" + made["id"]
        self.assertEqual(daemon.ask(path, "DELETE")[0], 428)
        self.assertEqual(daemon.ask(path, "DELETE", headers={"If-Match": '"2"'})[0], 412)
        self.assertEqual(daemon.ask(path, "DELETE", headers={"If-Match": '"1"'})[2]["name"], "a")
        run = daemon.ctl("token", "create", "--name", "x")
        self.assertEqual((run.returncode, run.stdout), (2, ""))


if __name__ == "__main__":
    sys.exit(running.main(Roles))
