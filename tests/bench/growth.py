#!/usr/bin/env python3
"""What a visit costs, parsing included, and what memory labeld takes, with 10,000 items in the
catalogue and with 1,000,000: starts labeld on a store that catalogue_bench has made, saves small
Office files in its folder, and reads labeld's processor time (its own and its parse processes').
Arguments: the folder of the built programs, a scratch folder, [files]. Give a release build."""
import os
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
sys.dont_write_bytecode = True
import latency  # noqa: E402
import running  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
CONFIG = """
state: state
listen: { admin: '127.0.0.1:0', webhooks: '127.0.0.1:0' }
rules: rules.yaml
connections: [{ name: here, kind: directory, path: team }]
"""


def family(pid):
    """The process and all below it."""
    found, parents = [pid], {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                parents.setdefault(int(file.read().rsplit(")", 1)[1].split()[1]), []).append(int(name))
        except OSError:
            pass
    for one in found:
        found += parents.get(one, [])
    return found


def cpu_seconds(pid):
    total = 0
    for one in family(pid):
        try:
            with open(f"/proc/{one}/stat", encoding="ascii", errors="replace") as file:
                total += sum(map(int, file.read().rsplit(")", 1)[1].split()[11:15]))
        except OSError:
            pass
    return total / TICK


def memory_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"RssAnon:\s+(\d+) kB", file.read()).group(1)) / 1024


def store(items):
    """A store that others' items fill; its path."""
    bench = os.path.join(running.PROGRAMS, "jobs", "catalogue_bench")
    out = subprocess.run([bench, str(items), "0", running.SCRATCH], capture_output=True, text=True,
                         check=True).stdout
    return re.search(r"kept in (.+)", out).group(1)


def measure(items, files):
    daemon = running.Daemon(f"growth{items}")
    daemon.write("../labeld.yaml", CONFIG.encode())
    os.rename(store(items), daemon.state)
    daemon.start()
    try:
        daemon.settle()
        documents = [latency.document(number, 4) for number in range(files)]
        before = cpu_seconds(daemon.process.pid)
        for number, data in enumerate(documents):
            daemon.write(f"{number}.docx", data)
            if number % 10 == 9:
                time.sleep(0.1)
        daemon.wait("labels", lambda: time.sleep(0.2) or len(latency.delays(daemon)) >= files)
        spent = (cpu_seconds(daemon.process.pid) - before) / files
        middle = statistics.median(latency.delays(daemon).values())
        memory = memory_mib(daemon.process.pid)
    finally:
        daemon.stop()
    print(f"{items} items: {spent * 1e3:.2f} ms of cpu a visit, median {middle:.0f} ms, heap "
          f"{memory:.1f} MiB", flush=True)


def main():
    running.PROGRAMS, running.SCRATCH = (os.path.abspath(path) for path in sys.argv[1:3])
    running.PATIENCE = 300
    os.makedirs(running.SCRATCH, exist_ok=True)
    for items in (10_000, 1_000_000):
        measure(items, int((sys.argv[3:] + ["300"])[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
