#!/usr/bin/env python3
"""The built labeld on folders that are not as one would wish: without watches, without rights,
not there yet, changed while it was down. Arguments: the folder of the built programs, a scratch
folder."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import unittest

import running
from running import CARD, FINANCE, GENERAL, Case, Daemon, docx, labels

OTHER_USER = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
FEW_WATCHES = ("unshare", "--user", "--map-root-user", "sh", "-c",
               "echo 4 >/proc/sys/user/max_inotify_watches && exec \"$@\"", "sh")


def may_limit_watches():
    if not shutil.which("unshare"):
        return False
    return subprocess.run([*FEW_WATCHES, "true"], capture_output=True).returncode == 0


class Folders(Case):
    def connection(self):
        return self.daemon.status()["connections"][0]

    def configure(self, old, new):
        path = os.path.join(self.daemon.home, "labeld.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new))

    @unittest.skipUnless(may_limit_watches(), "no user namespaces here")
    def test_where_watches_run_out_the_folder_is_polled_and_status_says_so(self):
        self.daemon = Daemon(self._testMethodName)
        daemon = self.daemon
        for number in range(10):
            daemon.write(f"{number}/letter.docx", docx("hi"))
        self.configure("path: team,", "path: team, poll: 1s,")
        daemon.start(prefix=FEW_WATCHES)
        for number in range(10):
            self.wait_label(f"{number}/letter.docx", [GENERAL])
        daemon.wait("polling", lambda: self.connection()["state"] == "polling")
        self.assertIn("max_user_watches", self.connection()["notes"])
        for number in range(10):
            daemon.write(f"{number}/cards.docx", docx("credit card " + CARD))
        for number in range(10):
            self.wait_label(f"{number}/cards.docx", [FINANCE])

    def test_events_that_the_kernel_dropped_are_made_up_for_by_a_walk(self):
        daemon = self.run_on({"first.docx": docx("hi"), "noise/a": b"", "noise/b": b""})
        self.wait_label("first.docx", [GENERAL])
        walks = len(daemon.events("walked"))
        with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as file:
            most = int(file.read())
        daemon.process.send_signal(signal.SIGSTOP)
        for _ in range(most // 4 + 100):  # each makes four events: modified and closed, twice
            for name in ("noise/a", "noise/b"):
                with open(self.path(name), "ab") as file:
                    file.write(b"x")
        daemon.write("dropped/late.docx", docx("credit card " + CARD))
        daemon.process.send_signal(signal.SIGCONT)
        self.wait_label("dropped/late.docx", [FINANCE])
        daemon.wait("a walk", lambda: len(daemon.events("walked")) > walks)
        daemon.write("dropped/later.docx", docx("watched by now"))
        self.wait_label("dropped/later.docx", [GENERAL])

    def test_the_service_manager_is_told(self):
        self.daemon = Daemon(self._testMethodName)
        daemon = self.daemon
        path = os.path.join(daemon.home, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(path)
            listener.settimeout(running.PATIENCE)
            os.environ["NOTIFY_SOCKET"] = path
            try:
                daemon.start()
            finally:
                del os.environ["NOTIFY_SOCKET"]
            self.assertIn(b"READY=1", listener.recv(4096))
            self.assertEqual(daemon.ctl("status").returncode, 0)
            daemon.process.send_signal(signal.SIGHUP)
            self.assertIn(b"RELOADING=1", listener.recv(4096))
            self.assertIn(b"READY=1", listener.recv(4096))
            daemon.process.send_signal(signal.SIGTERM)
            self.assertIn(b"STOPPING=1", listener.recv(4096))
            self.assertEqual(daemon.process.wait(running.PATIENCE), 0)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs another user")
    def test_a_folder_that_cannot_be_written_to_is_reported_on_only(self):
        self.daemon = Daemon(self._testMethodName)
        daemon = self.daemon
        data = docx("credit card " + CARD)
        os.chmod(daemon.write("cards.docx", data), 0o644)
        os.chmod(daemon.team, 0o755)
        for path in (daemon.home, os.path.join(daemon.home, "rules.yaml"),
                     os.path.join(daemon.home, "labeld.yaml")):
            os.chown(path, 65534, 65534)
        daemon.start(prefix=OTHER_USER)
        daemon.settle()
        item = daemon.items()["/cards.docx"]
        self.assertEqual(item["status"], "ok")
        self.assertEqual(item["findings"][0]["type"], "credit-card")
        self.assertIsNone(item["label"])
        self.assertEqual(item["outcome"], "report-only")
        self.assertIn("report only", self.connection()["notes"])
        with open(self.path("cards.docx"), "rb") as file:
            self.assertEqual(file.read(), data)

    def test_rights_that_changed_while_the_daemon_was_down_are_decided_on(self):
        self.daemon = Daemon(self._testMethodName)
        daemon = self.daemon
        daemon.rules("", """
rules:
  - { name: open, when: { exposure: { at_least: organisation } }, then: { tag: [open] }, mode: enforce }
""")
        os.chmod(daemon.write("a.docx", docx("hi")), 0o600)
        os.chmod(daemon.team, 0o755)
        daemon.start()
        daemon.settle()
        before = daemon.items()["/a.docx"]
        self.assertEqual(before["exposure"], "private")
        self.assertEqual(daemon.items("--rule", "open"), {})
        daemon.stop()
        os.chmod(self.path("a.docx"), 0o644)
        daemon.start()
        daemon.wait("the changed rights",
                    lambda: daemon.items()["/a.docx"]["exposure"] == "organisation")
        daemon.settle()
        after = daemon.items("--rule", "open")["/a.docx"]
        self.assertEqual(after["examined"], before["examined"])  # decided again, not read again

    def test_a_folder_that_is_not_there_stops_no_other(self):
        self.daemon = Daemon(self._testMethodName)
        daemon = self.daemon
        daemon.write("here.docx", docx("hi"))
        self.configure("connections:\n", "connections:\n  - { name: late, kind: directory, path: "
                       "late }\n")
        daemon.start()
        self.wait_label("here.docx", [GENERAL])
        late = daemon.wait("its state", lambda: [c for c in daemon.status()["connections"]
                                                 if c["state"] == "waiting"])
        self.assertEqual([c["name"] for c in late], ["late"])
        self.assertIn("No such file", late[0]["notes"])
        os.mkdir(os.path.join(daemon.home, "late"))
        path = daemon.write("../late/cards.docx", docx("credit card " + CARD))
        daemon.wait("a label", lambda: labels(path) == [FINANCE])
        daemon.wait("no waiting", lambda: all(c["state"] == "watching"
                                              for c in daemon.status()["connections"]))

    def test_a_file_that_is_held_open_is_examined_in_between(self):
        daemon = self.run_on({"note.txt": b"hello"})
        with open(self.path("log.txt"), "wb", buffering=0) as log:
            log.write(b"credit card " + CARD.encode() + b"\n")
            daemon.wait("the open file", lambda: daemon.items("--type", "credit-card"))
            log.write(b"and more\n")
        size = os.path.getsize(self.path("log.txt"))
        daemon.wait("the closed file", lambda: daemon.items()["/log.txt"]["size"] == size)


if __name__ == "__main__":
    sys.exit(running.main(Folders))
