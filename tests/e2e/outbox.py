#!/usr/bin/env python3
"""Alerts and notifications of the built labeld, against a receiver that checks every signature and
answers as each test tells it."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time

import running
from running import CARD, Case, docx

SECRETS = [base64.b64encode(bytes(range(n, n + 32))).decode() for n in (1, 101)]
RULES = """
site: %s
labels:
  - { name: Finance, id: %s }
rules:
  - name: Cards
    message: Card numbers were found.
    when: { findings: { type: credit-card, confidence: high } }
    then: { label: Finance, alert: high, notify: [soc, owner] }
    mode: enforce
  - name: Mail addresses
    when: { findings: { type: email, confidence: low } }
    then: { alert: low, notify: [soc] }
    mode: simulate
""" % (running.SITE, running.FINANCE)


class Receiver:
    """Answers by `script`: one step a request, the last one for ever. A step is a status, a
    (status, headers) pair, or "close", "slow"."""

    def __init__(self, *script, port=0, secret=SECRETS[0]):
        self.script, self.secret = list(script) or [204], secret
        self.seen, self.taken, self.faults = [], [], []
        self.slow = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                receiver.answer(self)

            do_GET = do_PUT = do_POST

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # a daemon that was killed resets its connection

        self.server = Server(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def check(self, handler, body):
        headers = handler.headers
        message, stamp = headers["webhook-id"], headers["webhook-timestamp"]
        key = base64.b64decode(self.secret)
        wanted = "v1," + base64.b64encode(hmac.new(
            key, f"{message}.{stamp}.".encode() + body, hashlib.sha256).digest()).decode()
        if wanted not in headers["webhook-signature"].split(" "):
            self.faults.append("signature")
        if abs(time.time() - int(stamp)) > 300:
            self.faults.append("timestamp")
        if handler.command != "POST" or headers["Content-Type"] != "application/json":
            self.faults.append("form")
        return message

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        message = self.check(handler, body)
        self.last = (handler.headers["webhook-timestamp"], handler.headers["webhook-signature"], body)
        self.seen.append(message)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if step == "slow":
            self.slow.wait(running.PATIENCE)
            step = 204
        if step == "close":
            handler.close_connection = True
            return
        status, headers = step if isinstance(step, tuple) else (step, {})
        if 200 <= status < 300:
            self.taken.append((message, json.loads(body)))
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def close(self):
        self.slow.set()
        self.server.shutdown()
        self.server.server_close()


class Outbox(Case):
    def setUp(self):
        super().setUp()
        self.receivers = []

    def tearDown(self):
        super().tearDown()
        for receiver in self.receivers:
            receiver.close()
            self.assertEqual(receiver.faults, [])

    def receiver(self, *script, **more):
        self.receivers.append(Receiver(*script, **more))
        return self.receivers[-1]

    def prepare(self, url, rules=RULES, limits="", secrets=("one",), more=""):
        daemon = self.daemon = running.Daemon(self._testMethodName)
        for name, secret in zip(("one", "two"), SECRETS):
            path = os.path.join(daemon.home, name + ".whsec")
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"whsec_{secret}\n")
            os.chmod(path, 0o600)
        files = ", ".join(name + ".whsec" for name in secrets)
        with open(os.path.join(daemon.home, "labeld.yaml"), "w", encoding="utf-8") as file:
            file.write("state: state\nlisten: { admin: '127.0.0.1:0', webhooks: '127.0.0.1:0' }\n"
                       "rules: rules.yaml\nconnections:\n  - { name: team, kind: directory, "
                       f"path: team }}\nlimits: {{ {limits} }}\nnotify:\n  - {{ name: soc, url: "
                       f"'{url}', secret_file: [{files}] }}\n{more}")
        daemon.rules("", rules)
        return daemon

    def run_with(self, receiver, **more):
        daemon = self.prepare(f"http://127.0.0.1:{receiver.port}/hook?key=token-in-url", **more)
        daemon.write("cards.docx", docx("credit card " + CARD))
        daemon.start()
        return daemon

    def alerts(self, *arguments):
        run = self.daemon.ctl("alerts", "--json", *arguments)
        self.assertEqual(run.returncode, 0, run.stderr)
        return [json.loads(line) for line in run.stdout.splitlines()]

    def waiting(self):
        return self.daemon.status()["notifications"]["waiting"]

    def test_a_match_is_told_once_with_what_was_done_and_nothing_that_matched(self):
        receiver = self.receiver()
        daemon = self.run_with(receiver)
        daemon.wait("a notification", lambda: receiver.taken)
        daemon.settle()
        self.wait_label("cards.docx", [running.FINANCE])
        message, event = receiver.taken[0]
        self.assertRegex(message, "^msg_[0-9a-f]{32}$")
        data = event["data"]
        self.assertEqual((event["type"], data["path"], data["connection"], data["level"]),
                         ("labeld.alert", "/cards.docx", "team", "high"))
        self.assertEqual(data["rules"], [{"rule": "Cards", "message": "Card numbers were found.",
                                          "alert": "high"}])
        self.assertEqual([(f["type"], f["unique"]) for f in data["findings"]],
                         [("credit-card", 1)])
        self.assertEqual((data["label"], data["outcome"]), ("Finance", "labelled"))
        self.assertEqual([(a["do"], a["outcome"]) for a in data["actions"]],
                         [("label", "labelled"), ("notify", "not-yet")])
        self.assertEqual(data["actions"][1]["with"], "owner")
        self.assertNotIn(CARD.replace(" ", ""), json.dumps(event).replace(" ", ""))
        time.sleep(1)  # the echo of our own write
        daemon.ctl("connections", "scan", "team")
        daemon.settle()
        self.assertEqual(len(receiver.seen), 1)
        self.assertEqual([(a["rule"], a["level"], a["state"]) for a in self.alerts()],
                         [("Cards", "high", "open")])
        daemon.wait("an empty outbox", lambda: self.waiting() == 0)

    def test_another_version_is_told_again_and_a_clean_one_closes_the_alert(self):
        receiver = self.receiver()
        daemon = self.run_with(receiver)
        daemon.wait("a notification", lambda: receiver.taken)
        daemon.settle()
        daemon.write("cards.docx", docx("another credit card " + CARD))
        daemon.wait("another", lambda: len(receiver.taken) == 2)
        daemon.settle()
        self.assertEqual(len(self.alerts()), 1)
        daemon.write("cards.docx", docx("nothing any more"))
        daemon.wait("the end of the alert", lambda: not self.alerts())
        closed = self.alerts("--closed")
        self.assertEqual([(a["rule"], a["closed_by"]) for a in closed],
                         [("Cards", {"name": "labeld", "reason": "the rule no longer matches"})])
        daemon.write("cards.docx", docx("again the credit card " + CARD))
        daemon.wait("a third", lambda: len(receiver.taken) == 3)
        daemon.settle()
        os.unlink(self.path("cards.docx"))
        daemon.wait("no alert on a file that is gone", lambda: not self.alerts())
        self.assertEqual(len(receiver.seen), 3)

    def test_what_a_person_closes_stays_closed_until_there_is_news(self):
        receiver = self.receiver()
        daemon = self.run_with(receiver)
        daemon.wait("a notification", lambda: receiver.taken)
        daemon.settle()
        alert = self.alerts()[0]
        path = f"/api/v1/alerts/{alert['id']}/close"
        self.assertEqual(daemon.ask(path, "POST", {"reason": "seen"})[0], 428)
        wrong = {"If-Match": f'"{alert["version"] + 1}"'}
        self.assertEqual(daemon.ask(path, "POST", {"reason": "seen"}, headers=wrong)[0], 412)
        right = {"If-Match": f'"{alert["version"]}"'}
        self.assertEqual(daemon.ask(path, "POST", {"reason": ""}, headers=right)[0], 400)
        self.assertEqual(daemon.ask(path, "POST", {}, headers=right)[0], 400)
        run = daemon.ctl("alerts", "close", alert["id"], "--reason", "told the owner")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("told the owner", run.stdout)
        self.assertEqual(daemon.ctl("alerts", "close", alert["id"], "--reason", "x").returncode, 4)
        self.assertEqual(daemon.ctl("alerts", "close", "4711", "--reason", "x").returncode, 4)
        self.assertEqual(daemon.ctl("alerts", "close", alert["id"]).returncode, 2)
        self.assertEqual(self.alerts(), [])
        daemon.rules("", RULES + "# another revision\n")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait("new rules", lambda: len(daemon.events("rules-in-force")) == 1)
        daemon.settle()
        self.assertEqual(self.alerts(), [])
        daemon.write("cards.docx", docx("now with credit card " + CARD))
        daemon.wait("an alert on another version", self.alerts)
        self.assertEqual(len(self.alerts("--all")), 2)

    def test_lists_of_alerts_are_filtered_and_paged(self):
        receiver = self.receiver()
        daemon = self.prepare(f"http://127.0.0.1:{receiver.port}/")
        for n in range(5):
            daemon.write(f"{n}.docx", docx("credit card " + CARD))
        daemon.start()
        daemon.wait("five notifications", lambda: len(receiver.taken) == 5)
        seen, cursor = [], ""
        while cursor is not None:
            page = daemon.ask(f"/api/v1/alerts?limit=2&state=open{cursor}")[2]
            seen += [int(alert["id"]) for alert in page["items"]]
            cursor = page["next"] and "&cursor=" + page["next"]
        self.assertEqual((len(seen), seen), (5, sorted(seen, reverse=True)))
        for query, count in (("level=high", 5), ("level=low&level=medium", 0), ("rule=Cards", 5),
                             ("rule=Others", 0), ("connection=team", 5), ("state=closed", 0),
                             ("state=open&state=closed", 5)):
            self.assertEqual(len(daemon.ask("/api/v1/alerts?" + query)[2]["items"]), count, query)
        item = daemon.ask("/api/v1/alerts")[2]["items"][0]["item"]
        self.assertEqual(len(daemon.ask("/api/v1/alerts?item=" + item)[2]["items"]), 1)
        for query in ("level=urgent", "state=asleep", "connection=none", "item=x", "sort=level"):
            self.assertEqual(daemon.ask("/api/v1/alerts?" + query)[0], 400, query)
        self.assertEqual(daemon.ask("/api/v1/alerts/4711")[0], 404)

    def test_a_receiver_that_fails_is_tried_again_with_the_same_id(self):
        receiver = self.receiver(500, "close", (429, {"Retry-After": "1"}), 204)
        daemon = self.run_with(receiver)
        daemon.wait("a delivery after three failures", lambda: receiver.taken)
        self.assertEqual((len(receiver.seen), len(set(receiver.seen))), (4, 1))
        daemon.wait("an empty outbox", lambda: self.waiting() == 0)
        self.assertGreaterEqual(len(daemon.events("notify-later")), 2)  # libcurl repeats a "close"
        with open(daemon.log, encoding="utf-8") as file:
            log = file.read()
        self.assertNotIn("token-in-url", log)
        self.assertNotIn(SECRETS[0], log)

    def test_redirects_are_not_followed(self):
        other = self.receiver()
        receiver = self.receiver((307, {"Location": f"http://127.0.0.1:{other.port}/"}),
                                 (301, {"Location": "/elsewhere"}), 204)
        daemon = self.run_with(receiver)
        daemon.wait("a delivery", lambda: receiver.taken)
        self.assertEqual((len(receiver.seen), other.seen), (3, []))
        self.assertIn("redirects are not followed", "".join(daemon.events("notify-later")))

    def test_a_kill_between_record_and_delivery_loses_nothing(self):
        receiver = self.receiver("slow")
        daemon = self.run_with(receiver)
        daemon.wait("a delivery under way", lambda: receiver.seen)
        daemon.stop(signal.SIGKILL)
        receiver.script = [204]
        daemon.start()
        daemon.wait("the delivery", lambda: len(receiver.taken) > 0)
        daemon.settle()
        self.assertEqual(len(set(receiver.seen)), 1)
        daemon.wait("an empty outbox", lambda: self.waiting() == 0)

    def test_a_receiver_that_is_away_gets_all_when_it_is_back_and_stops_nobody(self):
        away = self.receiver()
        port = away.port
        away.close()
        self.receivers.remove(away)
        daemon = self.run_with(away)
        for n in range(4):
            daemon.write(f"{n}.docx", docx("credit card " + CARD))
        daemon.wait("five that wait", lambda: self.waiting() == 5)
        status = daemon.status()["notifications"]
        self.assertEqual([t["name"] for t in status["targets"]], ["soc"])
        daemon.wait("its error", lambda: daemon.status()["notifications"]["targets"][0]["error"])
        self.assertIn("notify      soc: 5 waiting since", daemon.ctl("status").stdout)
        self.assertEqual(daemon.stop(), 0)
        back = self.receiver(port=port)
        daemon.start()
        daemon.wait("all of them", lambda: len(back.taken) == 5)
        self.assertEqual(len(set(back.seen)), 5)

    def test_what_is_given_up_is_an_alert_until_the_receiver_takes_again(self):
        receiver = self.receiver(500)
        daemon = self.run_with(receiver, limits="notify_retry_s: 1")
        daemon.wait("giving up", lambda: daemon.events("notification-given-up"))
        status = daemon.status()["notifications"]
        self.assertEqual((status["waiting"], status["given_up"]), (0, 1))
        self.assertIn("1 GIVEN UP: HTTP status 500", daemon.ctl("status").stdout)
        own = [a for a in self.alerts("--level", "high") if a["about"]]
        self.assertEqual([(a["about"], a["item"], a["path"]) for a in own],
                         [("notify soc", None, None)])
        receiver.script = [204]
        daemon.write("more.docx", docx("credit card " + CARD))
        daemon.wait("a delivery", lambda: receiver.taken)
        daemon.wait("the end of its alert", lambda: not [a for a in self.alerts() if a["about"]])

    def test_both_secrets_sign_while_they_are_changed(self):
        receiver = self.receiver(secret=SECRETS[1])
        daemon = self.run_with(receiver, secrets=("one", "two"))
        daemon.wait("a notification", lambda: receiver.taken)

    def test_the_sample_script_tells_a_true_message_from_a_false_one(self):
        receiver = self.receiver()
        daemon = self.run_with(receiver)
        daemon.wait("a notification", lambda: receiver.taken)
        stamp, signature, body = receiver.last

        def verify(message, time_said, signed, data):
            script = os.path.join(running.ROOT, "samples", "verify.sh")
            return subprocess.run(["sh", script, os.path.join(daemon.home, "one.whsec"), message,
                                   time_said, signed], input=data, capture_output=True,
                                  timeout=running.PATIENCE).returncode

        message = receiver.seen[0]
        self.assertEqual(verify(message, stamp, signature, body), 0)
        self.assertEqual(verify(message, stamp, "v1,x " + signature, body), 0)
        self.assertEqual(verify(message, stamp, signature, body + b" "), 1)
        self.assertEqual(verify(message + "0", stamp, signature, body), 1)
        self.assertEqual(verify(message, str(int(stamp) + 1), signature, body), 1)
        self.assertEqual(verify(message, stamp, signature[:-2] + "A=", body), 1)

    def test_a_simulated_rule_tells_nobody(self):
        receiver = self.receiver()
        daemon = self.prepare(f"http://127.0.0.1:{receiver.port}/",
                              rules=RULES.replace("mode: enforce", "mode: simulate"))
        daemon.write("cards.docx", docx("credit card " + CARD))
        daemon.start()
        daemon.settle()
        self.assertEqual((receiver.seen, self.alerts("--all"), self.waiting()),
                         ([], [], 0))

    def test_while_acting_is_stopped_nobody_is_told_and_afterwards_they_are(self):
        receiver = self.receiver()
        daemon = self.prepare(f"http://127.0.0.1:{receiver.port}/")
        daemon.start()
        daemon.settle()
        daemon.ctl("stop-acting", "--reason", "rules went wild")
        daemon.write("cards.docx", docx("credit card " + CARD))
        daemon.wait("an alert", self.alerts)
        daemon.settle()
        self.assertEqual((receiver.seen, self.waiting()), ([], 0))
        daemon.ctl("resume-acting")
        daemon.wait("a notification", lambda: receiver.taken)
        self.assertEqual(receiver.taken[0][1]["data"]["outcome"], "labelled")

    def test_a_target_that_is_not_configured_is_refused(self):
        daemon = self.prepare("http://127.0.0.1:9/", rules=RULES.replace("soc", "sok"))
        daemon.start(ready=False)
        self.assertEqual(daemon.process.wait(running.PATIENCE), 2)
        self.assertIn('unknown target "sok"; did you mean "soc"?', daemon.tail())

    def test_bad_receivers_are_refused_at_start(self):
        for url in ("http://soc.example.com/", "ftp://127.0.0.1/", "https://me:word@example.com/",
                    "https://"):
            daemon = self.prepare(url)
            daemon.start(ready=False)
            self.assertEqual(daemon.process.wait(running.PATIENCE), 2, url)
            self.assertNotIn("me:word", daemon.tail())
        daemon = self.prepare("https://example.com/")
        with open(os.path.join(daemon.home, "one.whsec"), "w", encoding="utf-8") as file:
            file.write("whsec_dG9vIHNob3J0\n")
        daemon.start(ready=False)
        self.assertEqual(daemon.process.wait(running.PATIENCE), 2)
        self.assertNotIn("dG9vIHNob3J0", daemon.tail())


if __name__ == "__main__":
    sys.exit(running.main(Outbox))
