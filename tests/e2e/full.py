#!/usr/bin/env python3
"""The built labeld on file systems that are really full: a tmpfs below the state folder and one
below the watched folder, filled up and given room again at random, with kills. No file is lost,
none is sealed twice, and all is done once there is room.
Arguments: the folder of the built programs, a scratch folder, [rounds [seed]]. Needs root, for
mount: without it the suite says that it is skipped."""
import errno
import os
import random
import signal
import subprocess
import sys
import time

import custody
import running

ROUNDS, SEED = 6, 1
SIZE = 24 << 20         # of each of the two
FIRST, BETWEEN = 12, 3  # files at the beginning, and in each round
WHILE_FULL = 2.5        # seconds, at most
KILLED = 0.4            # of the rounds end with a kill while it is full
BLOCKS = (256 << 10, 4096, 64, 1)


def mountable():
    folder = os.path.join(running.SCRATCH, "mountable")
    os.makedirs(folder, exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True)
    return not mounted.returncode and not subprocess.run(["umount", folder]).returncode


class Disk:
    """A file system of its own with one folder that labeld uses and, beside it, what fills it."""

    def __init__(self, root, folder):
        self.root = root
        self.folder = os.path.join(root, folder)
        self.filler = os.path.join(root, "filler")
        os.makedirs(root)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", root], check=True)
        os.makedirs(self.folder)

    def fill(self, leave):
        """Until nothing more goes in; then `leave` bytes of it are free again."""
        with open(self.filler, "ab", buffering=0) as file:
            for size in BLOCKS:
                try:
                    while os.write(file.fileno(), bytes(size)) == size:
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
            file.truncate(max(0, os.fstat(file.fileno()).st_size - leave))

    def make_room(self):
        if os.path.exists(self.filler):
            os.unlink(self.filler)

    def close(self):
        subprocess.run(["umount", "-l", self.root], check=True)


class Full(custody.Custody):
    # Each of the two has a run of its own.
    test_after_kills_every_file_is_where_it_was_or_sealed_exactly_once = None

    def begin(self):
        if not mountable():
            self.skipTest("no file system may be mounted here")
        super().begin()
        daemon = self.daemon
        config = custody.CONFIG.replace("state: state", "state: keep/state")
        daemon.write("../labeld.yaml", config.replace("path: team", "path: share/team").encode())
        self.keep = Disk(os.path.join(daemon.home, "keep"), "state")
        self.addCleanup(self.keep.close)
        self.share = Disk(os.path.join(daemon.home, "share"), "team")
        self.addCleanup(self.share.close)
        daemon.state, daemon.team = self.keep.folder, self.share.folder
        self.vault = os.path.join(daemon.state, "vault")

    def look_at_once(self):
        """As it is in this instant: the daemon is held meanwhile."""
        os.kill(self.daemon.process.pid, signal.SIGSTOP)
        self.look_after_kill()
        os.kill(self.daemon.process.pid, signal.SIGCONT)

    def start_where_it_is_full(self):
        """It may refuse to start, if it says why; with room it starts."""
        self.daemon.start(ready=False)
        end = time.monotonic() + running.PATIENCE
        while time.monotonic() < end and self.daemon.process.poll() is None:
            if os.path.exists(os.path.join(self.daemon.state, "listen.json")):
                return
            time.sleep(0.05)
        self.assertIsNotNone(self.daemon.process.poll(), "neither ready nor ended")
        self.assertRegex(self.daemon.tail(), "(?i)no space|full")
        self.refused += 1

    def round(self, rng):
        disks = rng.choice([[self.keep], [self.share], [self.keep, self.share]])
        for _ in range(BETWEEN):
            self.put(rng)
        time.sleep(rng.random() * 0.3)
        for disk in disks:
            disk.fill(rng.choice([0, rng.randrange(64 << 10), rng.randrange(512 << 10)]))
        time.sleep(rng.random() * WHILE_FULL)
        if rng.random() < KILLED:
            self.daemon.stop(signal.SIGKILL)
            self.look_after_kill()
            self.start_where_it_is_full()
            time.sleep(rng.random() * WHILE_FULL)
        running_still = self.daemon.process.poll() is None
        self.look_at_once() if running_still else self.look_after_kill()
        for disk in disks:
            disk.make_room()
        if not running_still:
            self.daemon.start()

    def test_a_full_disk_loses_nothing_and_all_is_done_when_there_is_room(self):
        rng = random.Random(SEED)
        self.refused = 0
        self.begin()
        for _ in range(FIRST):
            self.put(rng)
        self.daemon.start()
        for _ in range(ROUNDS):
            self.round(rng)
        self.daemon.stop(signal.SIGKILL)
        self.finish()
        self.daemon.stop()
        self.look_at_the_end()
        self.look_at_the_entries()
        self.check_audit()
        ends = [sum(file.end == end for file in self.files) for end in custody.ENDS]
        print(f"{ROUNDS} times full, {self.refused} starts refused; of {len(self.files)} files "
              "{} in place, {} in the vault, {} beside".format(*ends), file=sys.stderr)


if __name__ == "__main__":
    ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else ROUNDS
    SEED = int(sys.argv[4]) if len(sys.argv) > 4 else SEED
    sys.exit(running.main(Full))
