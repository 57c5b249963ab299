#!/usr/bin/env python3
"""The admin listener as its callers meet it: routes, roles, bodies, lists, problems."""
import http.client
import json
import os
import re
import subprocess
import sys

import running
import tables
from running import Case


class Api(Case):
    def raw(self, method, path, headers=(), body=None, token=True):
        """One question byte for byte: (status, headers, body)."""
        host = self.daemon.url("admin", "")[len("http://"):]
        connection = http.client.HTTPConnection(host, timeout=running.PATIENCE)
        headers = dict(headers)
        if token:
            headers["Authorization"] = "Bearer " + self.daemon.token()
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def test_methods_and_paths_are_told_apart(self):
        daemon = self.run_on({})
        self.assertEqual(daemon.ask("/api/v1/nothing")[0], 404)
        self.assertEqual(daemon.ask("/api/v1/items/")[0], 404)
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"):
            status, headers, problem = daemon.ask("/api/v1/status", method)
            self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"), method)
            self.assertEqual(problem["status"], 405)
        status, headers, body = self.raw("HEAD", "/api/v1/status")
        self.assertEqual((status, body), (200, b""))
        self.assertGreater(int(headers["Content-Length"]), 2)
        self.assertEqual(self.raw("HEAD", "/api/v1/status", token=False)[0], 401)

    def test_problems_have_their_type_and_say_what_to_do(self):
        daemon = self.run_on({})
        status, headers, problem = daemon.ask("/api/v1/items?exposure_minimum=public")
        self.assertEqual((status, headers["Content-Type"]), (400, "application/problem+json"))
        self.assertEqual((problem["type"], problem["title"], problem["status"]),
                         ("about:blank", "Bad Request", 400))
        self.assertIn("exposure_min", problem["detail"])
        status, headers, problem = daemon.ask("/api/v1/status", token="")
        self.assertEqual((status, headers["WWW-Authenticate"]), (401, "Bearer"))
        for name in ("x" * 3000, "a%22b%0d%0a", "%ff%fe"):
            self.assertEqual(daemon.ask("/api/v1/status?" + name + "=1")[0], 400)
            self.assertEqual(daemon.ask("/api/v1/items/" + name)[0], 404)

    def test_the_openapi_file_has_every_route(self):
        daemon = self.run_on({})
        file = daemon.ask("/api/v1/openapi.json")[2]
        self.assertEqual(file["openapi"], "3.1.0")
        seen = {}
        for path, methods in file["paths"].items():
            for method, operation in methods.items():
                self.assertNotIn(operation["operationId"], seen)
                seen[operation["operationId"]] = (method.upper(), path, operation)
        rows = list(tables.routes())
        self.assertEqual(set(seen), {row[2] for row in rows})
        for method, path, name, needs, answers in rows:
            found, where, operation = seen[name]
            self.assertEqual((found, where), (method, path))
            self.assertLessEqual({str(code) for code in answers}, set(operation["responses"]))
            self.assertEqual(set(operation["x-roles"]),
                             {role for role in tables.roles() if role != "nobody"
                              and tables.may(role, needs)}, name)
            self.assertEqual("security" in operation, needs != "NOBODY")
            parts = [part["name"] for part in operation["parameters"] if part["in"] == "path"]
            self.assertEqual(parts, re.findall(r"{(\w+)}", path))
            for code, answer in operation["responses"].items():
                self.assertEqual("application/problem+json" in answer.get("content", {}),
                                 int(code) >= 400, (name, code))

    def test_a_rate_for_each_token_and_one_for_strangers_of_an_address(self):
        self.daemon = daemon = running.Daemon(self._testMethodName)
        daemon.limit(api_rate=5, api_address_rate=3)
        daemon.start()
        made = [daemon.ask("/api/v1/tokens", "POST", {"name": name, "role": "viewer"})[2]["token"]
                for name in ("ann", "eve")]

        def until_refused(token):
            """What was answered before, and the refusal. No rate is slower than these loops."""
            seen = []
            for _ in range(2000):
                status, headers, problem = daemon.ask("/api/v1/acting", token=token)
                if status == 429:
                    return set(seen), headers["Retry-After"], problem["detail"]
                seen.append(status)
            self.fail("never refused")
        self.assertEqual(until_refused(made[0]),
                         ({200}, "1", "too many questions a second (limits.api_rate)"))
        self.assertEqual(daemon.ask("/api/v1/acting", token=made[1])[0], 200)
        self.assertEqual(until_refused("labeld_wrong"),
                         ({401}, "1", "too many questions a second (limits.api_address_rate)"))
        self.assertEqual(daemon.ask("/api/v1/acting", token=made[1])[0], 200)
        daemon.wait("a second", lambda: daemon.ask("/metrics", token=made[1])[0] == 200)
        text = daemon.ask("/metrics", token=made[1])[2].decode()
        self.assertRegex(text, r"(?m)^labeld_api_rate_limited_total [1-9]")
        self.assertRegex(text, r"(?m)^labeld_api_signin_failures_total [1-9]")

    def test_types_are_those_of_labelctl_in_the_same_form(self):
        daemon = self.run_on({})
        seen, cursor = [], ""
        while cursor is not None:
            page = daemon.ask("/api/v1/types?limit=7" + (f"&cursor={cursor}" if cursor else ""))[2]
            self.assertLessEqual(len(page["items"]), 7)
            seen += page["items"]
            cursor = page["next"]
        run = subprocess.run([os.path.join(running.PROGRAMS, "labelctl"), "types", "list",
                              "--json"], capture_output=True, text=True, timeout=running.PATIENCE)
        self.assertEqual(seen, [json.loads(line) for line in run.stdout.splitlines()])
        bundle = next(row for row in seen if "bundle" in row)
        self.assertEqual(daemon.ask("/api/v1/types/credit-card")[2],
                         next(row for row in seen if row.get("id") == "credit-card"))
        self.assertEqual(daemon.ask("/api/v1/types/" + bundle["bundle"])[2], bundle)
        self.assertEqual(daemon.ask("/api/v1/types/no-such")[0], 404)

    def test_a_cursor_belongs_to_its_list(self):
        daemon = self.run_on({f"{n}.txt": b"x" for n in range(5)})
        page = daemon.ask("/api/v1/items?limit=2&status=ok")[2]
        self.assertEqual(len(page["items"]), 2)
        cursor = page["next"]
        seen = [item["path"] for item in page["items"]]
        while cursor:
            page = daemon.ask(f"/api/v1/items?status=ok&cursor={cursor}&limit=2")[2]
            seen += [item["path"] for item in page["items"]]
            first, cursor = cursor, page["next"]
        self.assertEqual(seen, [f"/{n}.txt" for n in range(5)])
        for other in ("", "&status=corrupt", "&status=ok&sort=-path", "&status=ok&owner=x"):
            self.assertEqual(daemon.ask(f"/api/v1/items?cursor={first}{other}")[0], 400, other)
        for wrong in ("x", "0.1", first + "1x", "-1", "%00"):
            self.assertEqual(daemon.ask(f"/api/v1/items?status=ok&cursor={wrong}")[0], 400, wrong)
        for limit in ("0", "501", "-1", "x", "1e2", ""):
            self.assertEqual(daemon.ask(f"/api/v1/items?limit={limit}")[0], 400, limit)


if __name__ == "__main__":
    sys.exit(running.main(Api))
