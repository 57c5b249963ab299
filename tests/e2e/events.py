#!/usr/bin/env python3
"""Events: what changes, told as it becomes durable; resuming, resetting, ending."""
import http.client
import json
import os
import signal
import subprocess
import sys
import threading

import running
from running import Case, docx


class Stream:
    """One listener: events in the order in which they came, read by a thread of its own."""

    def __init__(self, daemon, token=None, last=None):
        headers = {"Authorization": "Bearer " + (token or daemon.token())}
        if last is not None:
            headers["Last-Event-ID"] = last
        host = daemon.url("admin", "")[len("http://"):]
        self.connection = http.client.HTTPConnection(host, timeout=running.PATIENCE)
        self.connection.request("GET", "/api/v1/events", headers=headers)
        self.answer = self.connection.getresponse()
        self.daemon, self.status, self.headers = daemon, self.answer.status, self.answer.headers
        self.events, self.comments, self.last, self.ended = [], 0, None, False
        if self.status == 200:
            self.reader = threading.Thread(target=self.read, daemon=True)
            self.reader.start()

    def over(self):
        self.reader.join(running.PATIENCE)
        return self.ended

    def read(self):
        event = {}
        try:
            for line in self.answer:
                line = line.decode().rstrip("\n")
                if line == ":":
                    self.comments += 1
                elif line:
                    name, _, value = line.partition(": ")
                    event[name] = value
                    if name == "id":
                        self.last = value
                elif "data" in event:
                    self.events.append((event["event"], json.loads(event["data"])))
                    event = {}
                else:
                    event = {}
        except (OSError, http.client.HTTPException, ValueError):
            pass
        self.ended = True

    def wait(self, kind, **data):
        """The first event of a kind with these members."""
        def found():
            return next((event for event in list(self.events) if event[0] == kind and
                         all(event[1].get(key) == value for key, value in data.items())), None)
        return self.daemon.wait(f"event {kind} {data}", found)

    def close(self):
        try:
            self.connection.sock.shutdown(2)
        except (OSError, AttributeError):
            pass


class Events(Case):
    def test_what_changes_is_told_once_it_can_be_read(self):
        daemon = self.run_on({})
        stream = Stream(daemon)
        self.assertEqual((stream.status, stream.headers["Content-Type"]),
                         (200, "text/event-stream"))
        daemon.wait("the number to go on from", lambda: stream.last)
        daemon.write("a.docx", docx("hi"))
        stream.wait("item")
        daemon.settle()
        item = daemon.items()["/a.docx"]
        stream.wait("item", id=item["id"], version=item["version"])
        daemon.ask("/api/v1/connections/team/pause", "POST", headers={"If-Match": '"1"'})
        stream.wait("connection", id="team", version=2)
        daemon.ask("/api/v1/acting", "PUT", {"acting": False}, headers={"If-Match": '"1"'})
        stream.wait("status", id="acting", version=2)
        daemon.rules("enforce", running.RULES + "  - { name: more, when: { format: pdf }, "
                     "then: { tag: [x] }, mode: simulate }\n")
        daemon.process.send_signal(signal.SIGHUP)
        stream.wait("rules", id="2", version=2)
        kinds = {kind for kind, _ in stream.events}
        self.assertLessEqual(kinds, {"item", "entry", "alert", "task", "rules", "connection",
                                     "status"})
        stream.close()

    def test_a_listener_goes_on_where_it_was_or_is_told_to_start_anew(self):
        daemon = self.run_on({})
        stream = Stream(daemon)
        daemon.wait("the number to go on from", lambda: stream.last)
        stream.close()
        daemon.ask("/api/v1/connections/team/pause", "POST", headers={"If-Match": '"1"'})
        daemon.ask("/api/v1/connections/team/resume", "POST", headers={"If-Match": '"2"'})
        again = Stream(daemon, last=stream.last)
        again.wait("connection", id="team", version=3)
        told = [data["version"] for kind, data in again.events if kind == "connection"]
        self.assertEqual(told, [2, 3])
        daemon.wait("a comment", lambda: again.comments)
        number = again.last
        again.close()
        for wrong in ("x", "0", "", str(int(number) + 10 ** 9), "9" * 30):
            other = Stream(daemon, last=wrong)
            self.assertEqual(other.wait("reset")[1], {}, wrong)
            self.assertEqual(other.last, number)
            other.close()
        daemon.stop()
        daemon.start()
        other = Stream(daemon, last=number)
        other.wait("reset")
        other.close()

    def test_a_token_that_is_revoked_hears_no_more(self):
        daemon = self.run_on({})
        made = daemon.ask("/api/v1/tokens", "POST", {"name": "ann", "role": "viewer"})[2]
        stream, other = Stream(daemon, made["token"]), Stream(daemon)
        daemon.wait("both", lambda: stream.last and other.last)
        self.assertEqual(daemon.ask("/api/v1/tokens/" + made["id"], "DELETE",
                                    headers={"If-Match": '"1"'})[0], 200)
        daemon.wait("its end", lambda: stream.ended)
        self.assertFalse(other.ended)
        self.assertEqual(Stream(daemon, made["token"]).status, 401)
        other.close()

    def test_listeners_are_bounded_and_a_stop_ends_them(self):
        self.daemon = daemon = running.Daemon(self._testMethodName)
        daemon.limit(event_listeners=2)
        daemon.start()
        streams = [Stream(daemon), Stream(daemon)]
        third = Stream(daemon)
        self.assertEqual((third.status, third.headers["Retry-After"]), (503, "5"))
        daemon.answers.add(("listenEvents", 503))
        daemon.answers.add(("listenEvents", 200))
        self.assertEqual(daemon.stop(), 0)
        self.assertTrue(all(stream.over() for stream in streams))

    def test_labelctl_follows_through_a_restart_until_it_is_interrupted(self):
        daemon = self.run_on({})
        ctl = os.path.join(running.PROGRAMS, "labelctl")
        lines, notes = [], []
        follow = subprocess.Popen([ctl, "events", "--json", "--state", daemon.state], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        readers = [threading.Thread(target=lambda: lines.extend(iter(follow.stdout.readline, "")),
                                    daemon=True),
                   threading.Thread(target=lambda: notes.extend(iter(follow.stderr.readline, "")),
                                    daemon=True)]
        for reader in readers:
            reader.start()

        def told(kind):
            return [row for row in map(json.loads, list(lines)) if row["event"] == kind]
        number = 0

        def paused():
            nonlocal number
            number += 1
            daemon.ctl("connections", "pause" if number % 2 else "resume", "team")
            return told("connection")
        daemon.wait("a connection event", paused)
        self.assertEqual(told("connection")[0]["id"], "team")
        daemon.stop(signal.SIGKILL)
        daemon.start()
        daemon.wait("the reset", lambda: told("reset"))
        self.assertIn("tried again", notes[0])
        follow.send_signal(signal.SIGINT)
        self.assertEqual(follow.wait(running.PATIENCE), 0)
        for reader in readers:
            reader.join()
        daemon.stop()
        run = daemon.ctl("events")
        self.assertEqual((run.returncode, run.stdout), (4, ""))
        daemon.start()
        run = subprocess.run([ctl, "events", "--server", daemon.url("admin", ""), "--token-file",
                              os.path.join(daemon.home, "rules.yaml")], capture_output=True,
                             text=True, timeout=running.PATIENCE)
        self.assertEqual((run.returncode, run.stdout), (4, ""))
        self.assertIn("valid token", run.stderr)


if __name__ == "__main__":
    sys.exit(running.main(Events))
