#!/usr/bin/env python3
"""Files a second: 10,000 mixed files (the samples, over and over, each with text of its own where
the format is plain) through `labelctl inspect`, through labeld's first walk, and, as the bare
limit, read and digested by sha256sum, in one run.
Arguments: the folder of the built programs, a scratch folder, [files]. Give a release build."""
import collections
import json
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
sys.dont_write_bytecode = True
import running  # noqa: E402

SAMPLES = os.path.join(running.ROOT, "samples", "files")
PLAIN = (".txt", ".csv", ".html", ".py", ".md", ".log")
LARGEST = 1 << 20  # bytes; the samples of limits are larger and say nothing about speed


def sources():
    for folder, _, names in sorted(os.walk(SAMPLES)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if not name.endswith(".expect") and os.path.getsize(path) <= LARGEST:
                with open(path, "rb") as file:
                    yield name, file.read()


def fill(folder, files):
    """(bytes, files by ending)."""
    total, endings, samples = 0, collections.Counter(), list(sources())
    for number in range(files):
        name, data = samples[number % len(samples)]
        stem, ending = os.path.splitext(name)
        if ending in PLAIN:
            data += f"\nnumber {number}\n".encode()
        place = os.path.join(folder, f"{number // 500:03}")
        os.makedirs(place, exist_ok=True)
        with open(os.path.join(place, f"{stem}-{number}{ending}"), "wb") as file:
            file.write(data)
        total += len(data)
        endings[ending] += 1
    return total, endings


def timed(command):
    before, start = os.times(), time.monotonic()
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    wall, after = time.monotonic() - start, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu, run.stdout


def walk(name, mixed):
    """Seconds from labeld's start to the end of its first walk with nothing left to do."""
    daemon = running.Daemon(name, "simulate")
    os.rmdir(daemon.team)
    os.rename(mixed, daemon.team)
    start = time.monotonic()
    running.PATIENCE = 900
    daemon.start()
    try:
        daemon.wait("the walk", lambda: time.sleep(0.2) or daemon.idle())
        wall = time.monotonic() - start
        known = daemon.status()["items"]
    finally:
        daemon.stop()
    return wall, known


def main():
    running.PROGRAMS, running.SCRATCH = (os.path.abspath(path) for path in sys.argv[1:3])
    files = int((sys.argv[3:] + ["10000"])[0])
    mixed = os.path.join(running.SCRATCH, "mixed")
    shutil.rmtree(mixed, ignore_errors=True)
    total, endings = fill(mixed, files)
    print(f"{files} files, {total / 1e6:.1f} MB, load {os.getloadavg()[0]:.1f}: "
          + " ".join(f"{ending or 'none'} {count}" for ending, count in endings.most_common()))
    bare, _, _ = timed(["sh", "-c", f"find '{mixed}' -type f -print0 | xargs -0 -n 1 -P 2 sha256sum"])
    print(f"bare: a sha256sum a file {files / bare:8.0f} files/s")
    wall, cpu, out = timed([os.path.join(running.PROGRAMS, "labelctl"), "inspect", "--json", mixed])
    reports = collections.Counter(json.loads(line)["status"] for line in out.splitlines())
    print(f"labelctl inspect         {sum(reports.values()) / wall:8.0f} files/s, ratio "
          f"{bare / wall:.2f}, {cpu / files * 1e6:.0f} us of cpu a file; {dict(reports)}")
    wall, known = walk("throughput", mixed)
    print(f"labeld's first walk      {files / wall:8.0f} files/s, ratio {bare / wall:.2f}; {known}")
    shutil.rmtree(os.path.join(running.SCRATCH, "throughput"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
