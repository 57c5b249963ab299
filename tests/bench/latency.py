#!/usr/bin/env python3
"""From a change in a watched folder to its label: saves Office files of a size one at a time, or
several at once, and reads from labeld's log how long each took.
Arguments: the folder of the built programs, a scratch folder, [files, KiB, at once]."""
import os
import re
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
sys.dont_write_bytecode = True
import running  # noqa: E402


def document(number, kib):
    """Prose that does not compress away, as pictures in a document would not."""
    package = running.packages.office({"format": "docx", "body": [f"letter {number}", "hello"]})
    package.parts["word/media/image1.png"] = os.urandom(kib * 1024)
    return package.bytes()


def delays(daemon):
    found = {}
    for line in daemon.events("labelled"):
        path = re.search(r" path=(\S+)", line)
        delay = re.search(r" delay_ms=(\d+)", line)
        if path and delay:
            found.setdefault(path.group(1), int(delay.group(1)))
    return found


def main():
    running.PROGRAMS, running.SCRATCH = (os.path.abspath(path) for path in sys.argv[1:3])
    files, kib, at_once = (int(word) for word in (sys.argv[3:6] + ["200", "64", "1"][len(sys.argv) - 3:]))
    daemon = running.Daemon("latency")
    daemon.start()
    daemon.settle()
    for first in range(0, files, at_once):
        data = [document(number, kib) for number in range(first, first + at_once)]
        for index, one in enumerate(data):
            daemon.write(f"{first + index}.docx", one)
        daemon.wait("labels", lambda: len(delays(daemon)) >= first + at_once)
        time.sleep(0.05)
    times = sorted(delays(daemon).values())
    daemon.stop()
    print(f"{len(times)} files of {kib} KiB, {at_once} at once: median "
          f"{statistics.median(times):.0f} ms, 99 % {times[int(len(times) * 0.99) - 1]} ms, "
          f"most {times[-1]} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
