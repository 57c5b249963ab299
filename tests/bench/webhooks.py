#!/usr/bin/env python3
"""Webhooks accepted durably: starts labeld on a scratch folder and lets ring_bench offer 5,000 a
second, six runs a row: idle; with every parse slot busy with a backfill; with a million jobs
queued; then the most it takes. Prints the machine's load beside each run.
Arguments: the folder of the built programs, a scratch folder, [runs [seconds [rate [rows...]]]];
rows are idle, parsing, million, most. Give a release build."""
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time

PROGRAMS, SCRATCH = (os.path.abspath(path) for path in sys.argv[1:3])
RUNS, SECONDS, RATE = (int(word) for word in (sys.argv[3:6] + ["6", "5", "5000"][len(sys.argv[3:6]):]))
ROWS = sys.argv[6:] or ["idle", "parsing", "million", "most"]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def make(name):
    home = os.path.join(SCRATCH, name)
    shutil.rmtree(home, ignore_errors=True)
    os.makedirs(os.path.join(home, "team"))
    with open(os.path.join(home, "team.whsec"), "w", encoding="ascii",
              opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(SECRET)
    with open(os.path.join(home, "labeld.yaml"), "w", encoding="ascii") as file:
        file.write("state: state\nlisten: { admin: '127.0.0.1:0', webhooks: '127.0.0.1:0' }\n"
                   "limits: { webhook_rate: 1000000, webhook_address_rate: 1000000 }\n"
                   "connections:\n  - { name: team, kind: directory, path: team, "
                   "webhook: { secret_file: team.whsec } }\n")
    return home


def start(home):
    with open(os.path.join(home, "log"), "ab") as log:
        process = subprocess.Popen([os.path.join(PROGRAMS, "labeld"), "--config",
                                    os.path.join(home, "labeld.yaml")], stderr=log)
    listen = os.path.join(home, "state", "listen.json")
    for _ in range(1200):
        if os.path.exists(listen):
            with open(listen, encoding="ascii") as file:
                return process, json.load(file)["webhooks"].rsplit(":", 1)[1]
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit(f"labeld did not start; see {home}/log")


def stop(process):
    process.terminate()
    process.wait(120)


def documents(home):
    """Text that keeps the classifier busy: more than the runs will get through."""
    line = "reference 4539 0443 4874 3998 and AB-123456, invoice 2026-03-01, total 1,234.56\n"
    block = line * ((4 << 20) // len(line))
    for number in range(300):
        with open(os.path.join(home, "team", f"{number}.txt"), "w", encoding="ascii") as file:
            file.write(f"{number}\n{block}")


def queue_million(home):
    process, _ = start(home)
    time.sleep(2)
    stop(process)
    later = int((time.time() + 86400) * 1e6)
    with sqlite3.connect(os.path.join(home, "state", "labeld.db")) as db:
        db.executemany(
            "INSERT INTO job (kind, connection, key, lane, state, due, seen, attempt, conflicts, "
            "again, force) VALUES (0, 'team', ?, 1, 0, ?, ?, 0, 0, 0, 0)",
            ((f"waiting/{n // 1000}/{n}.docx", later + n, later) for n in range(1000000)))


def children():
    found = subprocess.run(["pgrep", "-c", "-f", "labeld-parse"], capture_output=True, text=True)
    return int(found.stdout or 0)


def run(row, home):
    process, port = start(home)
    try:
        time.sleep(3)
        for number in range(RUNS):
            rate = 0 if row == "most" else RATE
            load = os.getloadavg()[0]
            out = subprocess.run([os.path.join(PROGRAMS, "connect", "ring_bench"), port,
                                  "/hooks/team", os.path.join(home, "team.whsec"), str(rate),
                                  str(SECONDS), "256", "1", f"{row}{number}/"],
                                 capture_output=True, text=True, check=True).stdout.strip()
            print(f"{row:8} run {number + 1}  load {load:.1f}  parse processes {children()}  {out}",
                  flush=True)
            time.sleep(1)
    finally:
        stop(process)


def main():
    for row in ROWS:
        home = make(row)
        if row == "parsing":
            documents(home)
        if row == "million":
            queue_million(home)
        run(row, home)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
