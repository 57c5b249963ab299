#!/usr/bin/env python3
"""State and vault key copied while labeld works, brought back elsewhere; keys exported; kills, a
full disk and changed bytes in between. Arguments: the folder of the built programs, a scratch
folder, [kills [seed]]."""
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

import running
from running import CARD, PATIENCE, SITE, Case, Daemon

KILLS, SEED = 6, 1
RULES = f"""
site: {SITE}
rules:
  - {{ name: cards leave, when: {{ findings: {{ type: credit-card, confidence: high }} }}, then: {{ quarantine: true, alert: high }}, mode: enforce }}
"""
API = "/api/v1/quarantine"


def text(number, size=200):
    return f"credit card {CARD} number {number}\n".encode() * (1 + size // 40)


class Backup(Case):
    MODEL = False

    def begin(self, count=4, sealed="", size=200):
        self.daemon = daemon = Daemon(self._testMethodName)
        daemon.rules("enforce", RULES)
        if sealed:
            self.config(daemon, sealed)
        for number in range(count):
            daemon.write(f"{number}.txt", text(number, size))
        daemon.start()
        daemon.wait("quarantine", lambda: len(self.entries(daemon)) == count)
        daemon.settle()
        self.target = os.path.join(daemon.home, "copy")
        return daemon

    def stands(self):
        """The same with two large entries, stopped; made once and copied for each test."""
        self.daemon = daemon = Daemon(self._testMethodName)
        model = os.path.join(running.SCRATCH, "model")
        if not Backup.MODEL:
            name, self._testMethodName = self._testMethodName, "model"
            self.begin(2, size=300000).stop()
            self._testMethodName = name
            self.daemon, Backup.MODEL = daemon, True
        shutil.rmtree(daemon.home)
        shutil.copytree(model, daemon.home)
        self.target = os.path.join(daemon.home, "copy")
        return daemon

    def config(self, daemon, more):
        with open(os.path.join(daemon.home, "labeld.yaml"), "a", encoding="utf-8") as file:
            file.write(more)

    def entries(self, daemon, query="?state=removed&limit=500"):
        return daemon.ask(API + query)[2]["items"]

    def labeld(self, daemon, *arguments, **more):
        return subprocess.run([os.path.join(running.PROGRAMS, "labeld"), "--config",
                               os.path.join(daemon.home, "labeld.yaml"), *arguments],
                              capture_output=True, text=True, timeout=PATIENCE,
                              stdin=subprocess.DEVNULL, **more)

    def secret(self, name, content):
        path = os.path.join(self.daemon.home, name)
        with open(path, "w", encoding="utf-8",
                  opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(content + "\n")
        return path

    def locked(self):
        return ("--passphrase-file", self.secret("passphrase", "open sesame"))

    def key(self, name="mine.key"):
        """(identity file, age1…)"""
        path = os.path.join(self.daemon.home, name)
        subprocess.run(["age-keygen", "-o", path], capture_output=True, check=True)
        shown = subprocess.run(["age-keygen", "-y", path], capture_output=True, text=True,
                               check=True)
        return path, shown.stdout.strip()

    def good(self, run):
        self.assertEqual(run.returncode, 0, run.stderr)
        return run

    def back_up(self, *more):
        return self.good(self.labeld(self.daemon, "--backup", self.target, *(more or
                                                                              self.locked())))

    def other(self, name="other", more=""):
        """The same configuration with another state folder, which is not there yet."""
        home = os.path.join(self.daemon.home, name)
        os.makedirs(home)
        other = Daemon.__new__(Daemon)
        other.__dict__.update(self.daemon.__dict__, home=home, state=os.path.join(home, "state"),
                              log=os.path.join(home, "log"), process=None, answers=set())
        with open(os.path.join(self.daemon.home, "labeld.yaml"), encoding="utf-8") as file:
            text = file.read().replace("path: team", "path: ../team")
        with open(os.path.join(home, "labeld.yaml"), "w", encoding="utf-8") as file:
            file.write(text.replace("rules: rules.yaml", "rules: ../rules.yaml") + more)
        return other

    def restore(self, other, *more):
        return self.labeld(other, "--restore", self.target, *(more or self.locked()))

    def release_all(self, daemon, files):
        """Every entry comes back byte for byte."""
        for row in self.entries(daemon):
            run = daemon.ctl("quarantine", "release", row["id"])
            self.assertEqual(run.returncode, 0, run.stderr)
        for name, data in files.items():
            with open(os.path.join(daemon.team, name), "rb") as file:
                self.assertEqual(file.read(), data, name)

    def vault_key(self, state):
        with open(os.path.join(state, "vault.key"), encoding="utf-8") as file:
            return file.read()

    def audited(self, state):
        database = sqlite3.connect(os.path.join(state, "labeld.db"))
        rows = [json.loads(row[0]) for row in
                database.execute("SELECT body FROM audit ORDER BY seq")]
        database.close()
        return rows

    def everything_in(self, folder):
        for base, _, names in os.walk(folder):
            for name in names:
                with open(os.path.join(base, name), "rb") as file:
                    yield os.path.join(base, name), file.read()

    # There and back ----------------------------------------------------------------------------

    def test_a_backup_of_a_working_daemon_comes_back_elsewhere(self):
        daemon = self.begin(6)
        busy = subprocess.Popen(
            [sys.executable, "-c", "import sys, time\n"
             "for n in range(400):\n"
             "    open(f'{sys.argv[1]}/busy-{n}.txt', 'w').write(f'credit card {sys.argv[2]} {n}')\n"
             "    time.sleep(0.01)\n", daemon.team, CARD])
        time.sleep(0.5)
        run = self.back_up()
        busy.wait(PATIENCE)
        self.assertNotIn("warning", run.stderr)
        self.assertIn(" files, ", run.stdout)
        subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=self.target, check=True)
        secret = next(line for line in self.vault_key(daemon.state).splitlines()
                      if line.startswith("AGE-SECRET-KEY-"))
        for name, data in self.everything_in(self.target):
            self.assertNotIn(secret.encode(), data, name)
            self.assertNotIn(daemon.token().encode(), data, name)
        self.assertEqual(os.stat(self.target).st_mode & 0o777, 0o700)
        daemon.settle()
        daemon.stop()
        files = {f"{n}.txt": text(n) for n in range(6)}
        for number in range(400):
            for end in ("", ".quarantined.txt"):
                name = os.path.join(daemon.team, f"busy-{number}.txt{end}")
                if os.path.exists(name):
                    os.unlink(name)
        other = self.other()
        run = self.good(self.restore(other))
        self.assertIn("all as they were backed up", run.stdout)
        self.assertEqual(self.vault_key(other.state), self.vault_key(daemon.state))
        self.daemon = other.start()
        other.settle()
        self.assertNotEqual(other.token(), daemon.token())
        entries = self.entries(other)
        self.assertGreaterEqual(len(entries), 6)
        wanted = [row for row in entries if not row["path"].startswith("/busy-")]
        self.assertEqual(len(wanted), 6)
        self.release_all(other, files)
        self.assertEqual(self.entries(other), [])
        self.assertEqual(other.ctl("audit", "verify").returncode, 0)
        other.stop()
        self.check_audit()
        self.assertIn("restored", [row["event"] for row in self.audited(other.state)])

    def test_of_a_daemon_that_stands_with_keys_of_many_kinds(self):
        daemon = self.stands()
        before = sorted(os.listdir(daemon.state))
        identity, shown = self.key()
        locked = self.key("locked.key")
        exported = os.path.join(daemon.home, "exported.age")
        self.good(self.labeld(daemon, "--export-key", exported, *self.locked()))
        for index, (make, back) in enumerate((
                (self.locked(), self.locked()),
                (("--to", shown, f"--to={locked[1]}"), ("--identity", identity)),
                (("--without-key",), ("--key", exported, *self.locked())),
        )):
            self.target = os.path.join(daemon.home, f"copy-{index}")
            self.back_up(*make)
            other = self.other(f"other-{index}")
            self.good(self.restore(other, *back))
            self.assertEqual(self.vault_key(other.state), self.vault_key(daemon.state))
            self.good(self.labeld(other, "--check"))
        self.assertEqual([name for name in sorted(os.listdir(daemon.state))
                          if not name.startswith("vault.key.")], before)
        run = self.restore(self.other("other-x"))
        self.assertEqual(run.returncode, 2)
        self.assertIn("--key FILE", run.stderr)

    def test_a_sealed_vault_has_no_key_to_lock(self):
        self.daemon = Daemon("sealed-keys")
        identity, shown = self.key()
        keys = self.daemon.home
        daemon = self.begin(2, f"vault: {{ sealed: true, recipients: [{shown}], path: copies }}\n")
        self.assertNotIn("vault key", self.labeld(daemon, "--check").stderr)
        self.assertEqual(daemon.status()["notes"], [])
        self.good(self.labeld(daemon, "--backup", self.target))
        self.assertFalse(os.path.exists(os.path.join(self.target, "vault.key.age")))
        daemon.stop()
        other = self.other()
        self.good(self.restore(other))
        self.assertFalse(os.path.exists(os.path.join(other.state, "vault.key")))
        self.daemon = other.start()
        for row in self.entries(other):
            run = other.ctl("quarantine", "release", row["id"], "--identity", identity)
            self.assertEqual(run.returncode, 0, run.stderr)
        with open(os.path.join(other.team, "1.txt"), "rb") as file:
            self.assertEqual(file.read(), text(1))
        run = self.labeld(other, "--export-key", os.path.join(keys, "x"))
        self.assertEqual(run.returncode, 2)
        self.assertIn("the vault is sealed", run.stderr)

    # The key -----------------------------------------------------------------------------------

    def test_a_key_without_a_copy_is_told_until_it_is_exported(self):
        daemon = self.begin(1)
        notes = [note for note in daemon.status()["notes"] if "vault key" in note]
        self.assertEqual(len(notes), 1)
        self.assertEqual(len(daemon.events("vault-key")), 1)
        run = self.good(self.labeld(daemon, "--check"))
        self.assertIn("--export-key", run.stderr)
        out = os.path.join(daemon.home, "vault-key.age")
        run = self.labeld(daemon, "--export-key", out)
        self.assertEqual(run.returncode, 2, run.stderr)
        self.assertFalse(os.path.exists(out))
        identity, shown = self.key()
        self.good(self.labeld(daemon, "--export-key", out, "--to", shown))
        self.assertEqual(os.stat(out).st_mode & 0o777, 0o600)
        stock = subprocess.run(["age", "-d", "-i", identity, out], capture_output=True, check=True)
        self.assertEqual(stock.stdout.decode(), self.vault_key(daemon.state))
        self.assertEqual(self.labeld(daemon, "--export-key", out, "--to", shown).returncode, 2)
        self.assertEqual([note for note in daemon.status()["notes"] if "vault key" in note], [])
        self.assertNotIn("vault key", self.good(self.labeld(daemon, "--check")).stderr)
        row = self.audited(daemon.state)[-1]
        self.assertEqual((row["event"], row["details"]["locked"]), ("key-exported", "recipients"))
        daemon.stop()
        daemon.start()
        self.assertEqual(len(daemon.events("vault-key")), 1)
        self.check_audit()

    # Refusals ----------------------------------------------------------------------------------

    def test_nothing_is_overwritten(self):
        daemon = self.begin(1)
        self.back_up()
        run = self.labeld(daemon, "--backup", self.target, *self.locked())
        self.assertEqual(run.returncode, 2)
        self.assertIn("is not overwritten", run.stderr)
        self.target += "-2"
        os.mkdir(self.target + ".partial")
        run = self.labeld(daemon, "--backup", self.target, *self.locked())
        self.assertEqual(run.returncode, 2)
        self.assertIn("was cut off", run.stderr)
        self.assertTrue(os.path.isdir(self.target + ".partial"))
        run = self.labeld(daemon, "--backup", self.target + "-3")
        self.assertEqual(run.returncode, 2)
        self.assertIn("--without-key", run.stderr)
        self.assertFalse(os.path.exists(self.target + "-3.partial"))
        self.target = self.target[:-2]
        run = self.restore(daemon)
        self.assertEqual(run.returncode, 2)
        self.assertIn("another labeld", run.stderr)
        daemon.stop()
        run = self.restore(daemon)
        self.assertEqual(run.returncode, 2)
        self.assertIn("is not empty", run.stderr)
        daemon.start()
        self.release_all(daemon, {"0.txt": text(0)})

    def test_what_was_changed_is_not_restored(self):
        daemon = self.stands()
        self.back_up()
        whole = self.target
        names = [os.path.relpath(name, whole) for name, _ in self.everything_in(whole)]
        self.assertEqual(len(names), 6, names)
        changes = [(name, how) for name in sorted(names) for how in ("byte", "cut", "gone")]
        for index, (name, how) in enumerate(changes):
            self.target = os.path.join(daemon.home, f"changed-{index}")
            shutil.copytree(whole, self.target)
            path = os.path.join(self.target, name)
            with open(path, "rb") as file:
                data = bytearray(file.read())
            data[len(data) // 2] ^= 1
            with open(path, "wb") as file:
                file.write(data if how == "byte" else data[:len(data) // 2])
            if how == "gone":
                os.unlink(path)
            other = self.other(f"other-{index}")
            run = self.restore(other)
            self.assertIn(run.returncode, (1, 2), (name, how, run.stderr, run.stdout))
            left = os.listdir(other.state) if os.path.isdir(other.state) else []
            self.assertLessEqual(set(left), {"lock"}, (name, how))

    def test_a_wrong_passphrase_or_key_leaves_the_folder_empty(self):
        daemon = self.stands()
        self.back_up()
        other = self.other()
        wrong = self.secret("wrong", "open barley")
        run = self.restore(other, "--passphrase-file", wrong)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertEqual(os.listdir(other.state), ["lock"])
        foreign = self.other("foreign").start()
        exported = os.path.join(daemon.home, "foreign.age")
        self.good(self.labeld(foreign, "--export-key", exported, *self.locked()))
        foreign.stop()
        run = self.restore(other, "--key", exported, *self.locked())
        self.assertEqual(run.returncode, 1)
        self.assertIn("was made with", run.stderr)
        self.assertEqual(os.listdir(other.state), ["lock"])
        self.good(self.restore(other))

    def test_a_record_that_was_changed_shows(self):
        daemon = self.stands()
        with sqlite3.connect(os.path.join(daemon.state, "labeld.db")) as database:
            database.execute("UPDATE audit SET body = replace(body, '20', '21') "
                             "WHERE seq = 1")
        run = self.back_up()
        self.assertIn("warning: the record was changed before this backup", run.stderr)
        run = self.good(self.restore(self.other()))
        self.assertIn("warning: the record was changed before the backup", run.stderr)

    def test_a_copy_that_the_vault_has_lost_is_told(self):
        daemon = self.stands()
        os.unlink(os.path.join(daemon.state, "vault", "1.age"))
        self.assertIn("no copy of quarantine entry 1", self.back_up().stderr)
        run = self.good(self.restore(self.other()))
        self.assertIn("no copy of quarantine entry 1", run.stderr)

    def test_arguments(self):
        daemon = self.stands()
        for wrong in (("--backup",), ("--backup", "a", "--restore", "b"), ("--to", "age1x"),
                      ("--check", "--without-key"), ("--backup", "a", "--identity", "b"),
                      ("--check=yes",), ("--restore", "a", "--to", "age1"), ("--nothing",),
                      ("--backup", "a", "--to", "age1x", "--passphrase-file", "b")):
            run = self.labeld(daemon, *wrong)
            self.assertEqual(run.returncode, 2, (wrong, run.stderr))
            self.assertIn("--help", run.stderr)
        run = self.labeld(daemon, "--backup", self.target, "--to", "age1x")
        self.assertEqual(run.returncode, 2)

    # Cut off -----------------------------------------------------------------------------------

    def killed_after(self, delay, daemon, *arguments):
        process = subprocess.Popen([os.path.join(running.PROGRAMS, "labeld"), "--config",
                                    os.path.join(daemon.home, "labeld.yaml"), *arguments],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.kill()
        return process.wait(PATIENCE) == 0

    def span(self, run):
        """How long something takes here."""
        start = time.monotonic()
        run()
        return time.monotonic() - start

    def test_a_kill_leaves_a_whole_backup_or_none(self):
        daemon = self.stands()
        _, shown = self.key()
        span = self.span(lambda: self.back_up("--to", shown))
        dice = random.Random(SEED)
        for number in range(KILLS):
            self.target = os.path.join(daemon.home, f"copy-{number}")
            done = self.killed_after(dice.uniform(0, span), daemon, "--backup", self.target,
                                     "--to", shown)
            if os.path.isdir(self.target):
                subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=self.target,
                               check=True)
            self.assertTrue(os.path.isdir(self.target) or not done)
            partial = self.target + ".partial"
            if os.path.isdir(partial) and not os.path.exists(os.path.join(partial, "backup.json")):
                run = self.labeld(self.other(f"other-{number}"), "--restore", partial)
                self.assertEqual(run.returncode, 1, run.stderr)
                self.assertIn("not a whole backup", run.stderr)

    def test_a_kill_of_a_restore_leaves_a_folder_that_nobody_starts_in(self):
        daemon = self.stands()
        identity, shown = self.key()
        self.back_up("--to", shown)
        span = self.span(lambda: self.good(self.restore(self.other(), "--identity", identity)))
        dice = random.Random(SEED)
        for number in range(KILLS):
            other = self.other(f"other-{number}")
            self.killed_after(dice.uniform(0, span), other, "--restore", self.target, "--identity",
                              identity)
            left = os.listdir(other.state) if os.path.isdir(other.state) else []
            if "restoring" in left:
                run = self.labeld(other)
                self.assertEqual(run.returncode, 2)
                self.assertIn("a restore was cut off", run.stderr)
                self.assertEqual(self.restore(other, "--identity", identity).returncode, 2)
                shutil.rmtree(other.state)
                left = []
            if "labeld.db" not in left:
                self.assertLessEqual(set(left), {"lock"})
                self.good(self.restore(other, "--identity", identity))
            self.assertEqual(len(os.listdir(os.path.join(other.state, "vault"))), 2)

    def test_a_full_disk_leaves_nothing(self):
        daemon = self.stands()
        _, shown = self.key()

        def small():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))

        def run(*arguments):
            return self.labeld(*arguments, preexec_fn=small, restore_signals=False)

        failed = run(daemon, "--backup", self.target, "--to", shown)
        self.assertEqual(failed.returncode, 1, failed.stderr)
        self.assertFalse(os.path.exists(self.target))
        self.assertFalse(os.path.exists(self.target + ".partial"))
        self.back_up()
        other = self.other()
        failed = run(other, "--restore", self.target, *self.locked())
        self.assertEqual(failed.returncode, 1, failed.stderr)
        self.assertEqual(os.listdir(other.state), ["lock"])
        self.good(self.restore(other))


if __name__ == "__main__":
    if len(sys.argv) > 3:
        KILLS = int(sys.argv[3])
        SEED = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    sys.exit(running.main(Backup))
