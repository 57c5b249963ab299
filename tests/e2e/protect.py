#!/usr/bin/env python3
"""labelctl protect, unprotect and key beside the stock age tool, each opening what the other sealed.
Arguments: the folder of the built programs, a scratch folder, [names of cases]."""
import hashlib
import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import labelctl  # noqa: E402
from labelctl import PATIENCE, Case  # noqa: E402

PASSPHRASE = "correct horse battery staple"
SIZES = [0, 1, 65535, 65536, 65537, 262144, 262145, 5_000_001]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def run(*words, **more):
    return subprocess.run(words, capture_output=True, timeout=PATIENCE, **more)


def at_terminal(words, answers, cwd, environment=None):
    """Run on a terminal of its own and type an answer at each question. (exit code, what it showed)."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(cwd)
        os.execvpe(words[0], words, {**os.environ, **(environment or {})})
    shown, asked, end = b"", 0, time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            got = os.read(terminal, 4096)
        except OSError:
            break
        if not got:
            break
        shown += got
        if asked < len(answers) and re.search(rb"passphrase[^\n]*: ?(\x1b\[\S*)?$", shown, re.I) \
                and shown.lower().count(b"passphrase") > asked:
            time.sleep(0.2)  # the terminal is made silent after the question is shown
            os.write(terminal, answers[asked].encode() + b"\n")
            asked += 1
            shown += b"\n"
    else:
        os.kill(child, signal.SIGKILL)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode("utf-8", "replace")


class Keys(Case):
    """With a key pair that age-keygen made."""
    def setUp(self):
        super().setUp()
        self.identity = os.path.join(self.home, "key.txt")
        run("age-keygen", "-o", self.identity)
        self.recipient = run("age-keygen", "-y", self.identity).stdout.decode().strip()
        self.assertRegex(self.recipient, "^age1")

    def age(self, *words, code=0, **more):
        done = run("age", *words, cwd=self.home, **more)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def passphrase_file(self, text=PASSPHRASE):
        path = self.file("passphrase", text + "\n")
        os.chmod(path, 0o600)
        return path

    def terminal(self, *words, answers=(), code=0):
        got, shown = at_terminal([os.path.join(labelctl.PROGRAMS, "labelctl"), *words],
                                 list(answers), self.home)
        self.assertEqual(got, code, shown)
        for answer in answers:
            self.assertNotIn(answer, shown)
        return shown


class BothWays(Keys):
    def test_age_opens_what_labelctl_sealed(self):
        for size in SIZES:
            for armor in ([], ["--armor"]):
                data = os.urandom(size)
                path = self.file(f"plain-{size}-{len(armor)}", data)
                self.ctl(0, "protect", path, "--to", self.recipient, "--verify", *armor)
                self.assertEqual(read(path), data)
                self.assertEqual(self.age("-d", "-i", self.identity, path + ".age").stdout, data)

    def test_labelctl_opens_what_age_sealed(self):
        for size in SIZES:
            for armor in ([], ["-a"]):
                data = os.urandom(size)
                path = self.file(f"plain-{size}-{len(armor)}", data)
                self.age("-r", self.recipient, *armor, "-o", path + ".age", path)
                os.remove(path)
                self.ctl(0, "unprotect", path + ".age", "--identity", self.identity)
                self.assertEqual(read(path), data)

    def test_each_of_several_recipients_opens_it(self):
        other = os.path.join(self.home, "other.txt")
        run("age-keygen", "-o", other)
        second = run("age-keygen", "-y", other).stdout.decode().strip()
        team = self.file("team", f"# both\n{self.recipient}\n\n{second}\n")
        for words in (["--to", self.recipient, "--to", second], ["--to-file", team]):
            path = self.file("a.txt", "for two")
            self.ctl(0, "protect", path, *words, "--output", path + ".sealed")
            for identity in (self.identity, other):
                self.assertEqual(self.age("-d", "-i", identity, path + ".sealed").stdout, b"for two")
            os.remove(path + ".sealed")
        self.age("-R", team, "-o", path + ".age", path)
        out, _ = self.ctl(0, "unprotect", path + ".age", "--identity", other, "--output", "-")
        self.assertEqual(out, "for two")

    def test_a_passphrase_goes_both_ways(self):
        path = self.file("a.txt", "by passphrase")
        self.ctl(0, "protect", path, "--passphrase-file", self.passphrase_file())
        code, shown = at_terminal(["age", "-d", "-o", "back", path + ".age"], [PASSPHRASE],
                                  self.home)
        self.assertEqual((code, read(os.path.join(self.home, "back"))), (0, b"by passphrase"), shown)
        code, shown = at_terminal(["age", "-p", "-o", "theirs.age", path],
                                  [PASSPHRASE, PASSPHRASE], self.home)
        self.assertEqual(code, 0, shown)
        out, _ = self.ctl(0, "unprotect", "theirs.age", "--passphrase-file",
                          self.passphrase_file(), "--output", "-")
        self.assertEqual(out, "by passphrase")

    def test_pipelines(self):
        sealed = self.run_ctl("protect", "-", "--to", self.recipient, input=b"through pipes")
        self.assertEqual((sealed.returncode, sealed.stderr), (0, b""))
        self.assertEqual(self.age("-d", "-i", self.identity, input=sealed.stdout).stdout,
                         b"through pipes")
        opened = self.run_ctl("unprotect", "-", "--identity", self.identity, input=sealed.stdout)
        self.assertEqual((opened.returncode, opened.stdout, opened.stderr),
                         (0, b"through pipes", b""))

    def test_a_sealed_file_of_a_sealed_file(self):
        path = self.file("a", "twice")
        self.ctl(0, "protect", path, "--to", self.recipient)
        self.ctl(0, "protect", path + ".age", "--to", self.recipient)
        self.ctl(0, "unprotect", path + ".age.age", "--identity", self.identity, "--output",
                 path + ".1")
        self.assertEqual(read(path + ".1"), read(path + ".age"))


class Files(Keys):
    def test_nothing_is_overwritten_and_nothing_else_is_left(self):
        path = self.file("a.txt", "text")
        self.file("a.txt.age", "mine")
        _, err = self.ctl(3, "protect", path, "--to", self.recipient)
        self.assertIn("is there already", err)
        self.assertEqual(read(path + ".age"), b"mine")
        os.remove(path + ".age")
        os.symlink("nowhere", path + ".age")
        self.ctl(3, "protect", path, "--to", self.recipient)
        os.remove(path + ".age")
        self.ctl(0, "protect", path, "--to", self.recipient)
        self.ctl(3, "unprotect", path + ".age", "--identity", self.identity)
        self.assertEqual(read(path), b"text")
        self.only("a.txt", "a.txt.age", "key.txt")

    def test_the_mode_comes_along(self):
        for mode in (0o600, 0o640, 0o644):
            path = self.file(f"a-{mode}", "text")
            os.chmod(path, mode)
            self.ctl(0, "protect", path, "--to", self.recipient)
            os.remove(path)
            self.ctl(0, "unprotect", path + ".age", "--identity", self.identity)
            for one in (path, path + ".age"):
                self.assertEqual(stat.S_IMODE(os.stat(one).st_mode), mode)

    def test_json(self):
        data = os.urandom(100_000)
        path = self.file("a.bin", data)
        sealed = self.json(0, "protect", path, "--to", self.recipient, "--verify", "--json")[0]
        self.assertEqual(sealed, {
            "path": path, "output": path + ".age", "size": len(data),
            "sealed_size": os.path.getsize(path + ".age"),
            "sha256": hashlib.sha256(data).hexdigest(), "recipients": 1, "verified": True})
        opened = self.json(0, "unprotect", path + ".age", "--identity", self.identity, "--output",
                           path + ".back", "--json")[0]
        self.assertEqual(opened, {"path": path + ".age", "output": path + ".back",
                                  "size": len(data), "sha256": sealed["sha256"]})
        broken = self.file("b.age", b"age-encryption.org/v1\nbroken")
        answer = self.json(3, "unprotect", broken, "--identity", self.identity, "--json")[0]
        self.assertEqual((answer["path"], answer["error"]["code"]), (broken, "corrupt"))

    def test_a_broken_file_leaves_no_plaintext(self):
        path = self.file("a.txt", os.urandom(200_000))
        self.ctl(0, "protect", path, "--to", self.recipient)
        os.remove(path)
        sealed = read(path + ".age")
        header = sealed.index(b"\n--- ") + 49
        chunk = 65552
        first, second = header + 16, header + 16 + chunk
        wrong = {
            "cut": sealed[:-1], "cut chunk": sealed[:header + 16 + 3 * chunk],
            "cut header": sealed[:header - 5], "nothing": b"", "more": sealed + b"x",
            "swapped": sealed[:first] + sealed[second:second + chunk] + sealed[first:second]
            + sealed[second + chunk:],
            "dropped": sealed[:first] + sealed[second:],
            "doubled": sealed[:second] + sealed[first:],
            "flipped": sealed[:-100] + bytes([sealed[-100] ^ 1]) + sealed[-99:],
            "flipped header": sealed[:40] + bytes([sealed[40] ^ 1]) + sealed[41:],
            "another MAC": sealed[:header - 10] + b"AAAA" + sealed[header - 6:],
            "CRLF": sealed[:header].replace(b"\n", b"\r\n") + sealed[header:],
        }
        for name, data in wrong.items():
            with self.subTest(name):
                self.file("a.txt.age", data)
                out, _ = self.ctl(3, "unprotect", path + ".age", "--identity", self.identity)
                self.assertEqual(out, "")
                self.only("a.txt.age", "key.txt")
                out, _ = self.ctl(3, "unprotect", path + ".age", "--identity", self.identity,
                                  "--output", "-", env={"TMPDIR": self.home})
                self.assertEqual(out, "")
                self.only("a.txt.age", "key.txt")

    def test_a_full_disk_leaves_nothing(self):
        import resource
        path = self.file("a.txt", os.urandom(300_000))
        self.ctl(0, "protect", path, "--to", self.recipient, "--output", path + ".sealed")

        def small():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        self.ctl(3, "protect", path, "--to", self.recipient, preexec_fn=small)
        self.ctl(3, "unprotect", path + ".sealed", "--identity", self.identity, "--output",
                 path + ".back", preexec_fn=small)
        self.only("a.txt", "a.txt.sealed", "key.txt")
        with open("/dev/full", "wb") as full:
            self.ctl(3, "protect", path, "--to", self.recipient, "--output", "-", stdout=full)
            self.ctl(3, "unprotect", path + ".sealed", "--identity", self.identity, "--output",
                     "-", stdout=full)


class Refusals(Keys):
    def test_usage(self):
        path = self.file("a.txt", "text")
        secret = read(self.identity).decode().splitlines()[-1]
        for words, says in (
                (["protect", path], "needs --to"),
                (["protect", path, "--to", "age1nonsense"], "--to age1nonsense"),
                (["protect", path, "--to", secret], "secret key"),
                (["protect", path, "--to", "ssh-ed25519 AAAA"], "SSH"),
                (["protect", path, "--to", self.recipient, "--passphrase-file",
                  self.passphrase_file()], "beside"),
                (["protect", path, "--to-file", path], "a.txt:1"),
                (["protect", "-", "--to", self.recipient, "--verify"], "--verify"),
                (["protect"], "usage"), (["unprotect"], "usage"),
                (["unprotect", path, "--identity", self.identity], "--output")):
            _, err = self.ctl(2, *words, stdin=subprocess.DEVNULL)
            self.assertIn(says, err)
            self.assertNotIn(secret[20:], err)
        self.only("a.txt", "key.txt", "passphrase")

    def test_a_key_is_asked_for_by_name(self):
        path = self.file("a.txt", "text")
        self.ctl(0, "protect", path, "--to", self.recipient)
        _, err = self.ctl(2, "unprotect", path + ".age", "--output", "-")
        self.assertIn("--identity", err)

    def test_the_wrong_key_or_passphrase(self):
        other = os.path.join(self.home, "other.txt")
        run("age-keygen", "-o", other)
        path = self.file("a.txt", "text")
        self.ctl(0, "protect", path, "--to", self.recipient)
        _, err = self.ctl(3, "unprotect", path + ".age", "--identity", other, "--output", "-")
        self.assertIn("sealed to others", err)
        self.ctl(0, "protect", path, "--passphrase-file", self.passphrase_file(), "--output", "p")
        _, err = self.ctl(3, "unprotect", "p", "--passphrase-file", self.passphrase_file("wrong"),
                          "--output", "-")
        self.assertIn("passphrase is wrong", err)
        _, err = self.ctl(3, "unprotect", "p", "--identity", other, "--output", "-")
        self.assertIn("sealed with a passphrase", err)

    def test_a_passphrase_file_that_others_read(self):
        path = self.passphrase_file()
        os.chmod(path, 0o644)
        _, err = self.ctl(2, "key", "new", "mine.key", "--passphrase-file", path)
        self.assertIn("chmod 600", err)
        for text in ("", "\n", "x" * 2000):
            self.ctl(2, "key", "new", "mine.key", "--passphrase-file", self.passphrase_file(text))
        self.only("key.txt", "passphrase")

    def test_special_files(self):
        os.mkfifo(os.path.join(self.home, "pipe"))
        _, err = self.ctl(3, "protect", "pipe", "--to", self.recipient)
        self.assertIn("not a regular file", err)
        self.ctl(3, "protect", self.home, "--to", self.recipient, "--output", "x")
        self.ctl(3, "protect", "nothing", "--to", self.recipient)


class KeyFiles(Keys):
    def test_a_new_key_opens_with_age_and_here(self):
        out, err = self.ctl(0, "key", "new", "mine.key", "--passphrase-file",
                            self.passphrase_file())
        self.assertRegex(out, "^age1[a-z0-9]{58}\n$")
        self.assertEqual(err, "")
        recipient = out.strip()
        key = os.path.join(self.home, "mine.key")
        self.assertEqual(stat.S_IMODE(os.stat(key).st_mode), 0o600)
        self.assertNotIn(b"SECRET", read(key))
        self.assertIn(b"BEGIN AGE ENCRYPTED FILE", read(key))
        out, _ = self.ctl(0, "key", "show", "mine.key", "--passphrase-file",
                          self.passphrase_file())
        self.assertEqual(out.strip(), recipient)
        answer = self.json(0, "key", "show", "mine.key", "--passphrase-file",
                           self.passphrase_file(), "--json")
        self.assertEqual(answer, [{"path": "mine.key", "recipient": recipient}])
        path = self.file("a.txt", "for the reviewer")
        self.age("-r", recipient, "-o", "a.age", path)
        out, _ = self.ctl(0, "unprotect", "a.age", "--identity", key, "--passphrase-file",
                          self.passphrase_file(), "--output", "-")
        self.assertEqual(out, "for the reviewer")
        code, shown = at_terminal(["age", "-d", "-i", key, "-o", "back", "a.age"], [PASSPHRASE],
                                  self.home)
        self.assertEqual((code, read(os.path.join(self.home, "back"))), (0, b"for the reviewer"),
                         shown)

    def test_no_key_is_overwritten(self):
        path = self.file("mine.key", "precious")
        _, err = self.ctl(3, "key", "new", path, "--passphrase-file", self.passphrase_file())
        self.assertIn("is there already", err)
        self.assertEqual(read(path), b"precious")

    def test_a_plain_key_file_is_shown(self):
        out, _ = self.ctl(0, "key", "show", self.identity)
        self.assertEqual(out.strip(), self.recipient)

    def test_a_key_file_that_age_locked(self):
        code, shown = at_terminal(["age", "-p", "-o", "locked", self.identity],
                                  [PASSPHRASE, PASSPHRASE], self.home)
        self.assertEqual(code, 0, shown)
        out, _ = self.ctl(0, "key", "show", "locked", "--passphrase-file", self.passphrase_file())
        self.assertEqual(out.strip(), self.recipient)

    def test_the_terminal_asks_and_shows_nothing(self):
        shown = self.terminal("key", "new", "mine.key", answers=[PASSPHRASE, PASSPHRASE])
        recipient = re.search("age1[a-z0-9]{58}", shown).group(0)
        shown = self.terminal("key", "show", "mine.key", answers=[PASSPHRASE])
        self.assertIn(recipient, shown)
        shown = self.terminal("key", "new", "other.key", answers=[PASSPHRASE, "another"], code=2)
        self.assertIn("not the same", shown)
        shown = self.terminal("key", "show", "mine.key", answers=["not this"], code=3)
        self.assertIn("passphrase is wrong", shown)
        self.file("a.txt", "text")
        shown = self.terminal("protect", "a.txt", "--to", recipient, "--output", "-", code=2)
        self.assertIn("not for a terminal", shown)
        self.only("a.txt", "key.txt", "mine.key")

    def test_without_a_terminal_nothing_is_asked(self):
        _, err = self.ctl(2, "key", "new", "mine.key", start_new_session=True,
                          stdin=subprocess.DEVNULL)
        self.assertIn("--passphrase-file", err)
        self.only("key.txt")


def main():
    labelctl.PROGRAMS, labelctl.SCRATCH = map(os.path.abspath, sys.argv[1:3])
    os.makedirs(labelctl.SCRATCH, exist_ok=True)
    names = sys.argv[3:] or ["BothWays", "Files", "Refusals", "KeyFiles"]
    suite = unittest.defaultTestLoader.loadTestsFromNames(names, sys.modules[__name__])
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)


if __name__ == "__main__":
    main()
