#!/usr/bin/env python3
"""Every claim about speed as a row: labeld beside its bare limit, and beside what a user would
otherwise take, in one run on one machine. Prints a table and writes it as JSON.
Run: run.py BUILD SCRATCH [ROW...] (BUILD: the folder of a release build, such as build/release;
SCRATCH: on the disk that is to be measured). `cmake --build --preset release --target bench`."""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "samples"))
sys.dont_write_bytecode = True
import packages  # noqa: E402

BUILD, SCRATCH = (os.path.abspath(path) for path in sys.argv[1:3])
WORDS = ("the of and to in is was that for river morning village carried slowly winter house "
         "between light nothing people remember answer through table window letter paper "
         "number account date passport").split()
PEER_PYTHON = "/usr/bin/python3"  # the one that Debian's python3-docx and -openpyxl belong to


def program(*parts):
    return os.path.join(BUILD, *parts)


def out_of(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=True, **more).stdout


def timed(command, rounds=3, allowed=(0,)):
    """The least wall time of some rounds, in seconds; None: the program is not here."""
    if not shutil.which(command[0]):
        return None
    least = None
    for _ in range(rounds):
        start = time.monotonic()
        run = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        took = time.monotonic() - start
        if run.returncode not in allowed:
            return None
        least = took if least is None else min(least, took)
    return least


class Row:
    """One line of the table. `wanted`: what the number is to reach, `at_most` or at least."""

    def __init__(self, what, got, unit="", wanted=None, at_most=False, beside=""):
        self.what, self.got, self.unit, self.beside = what, got, unit, beside
        self.wanted, self.at_most = wanted, at_most

    def verdict(self):
        if self.wanted is None:
            return ""
        reached = self.got <= self.wanted if self.at_most else self.got >= self.wanted
        return "reached" if reached else "short"

    def text(self):
        bound = "" if self.wanted is None else f"{'≤' if self.at_most else '≥'} {self.wanted:g}"
        return f"{self.what:52} {self.got:10.2f} {self.unit:9} {bound:>8} {self.verdict():8} {self.beside}"

    def json(self):
        return {"what": self.what, "value": round(self.got, 4), "unit": self.unit,
                "wanted": self.wanted, "at_most": self.at_most, "verdict": self.verdict(),
                "beside": self.beside}


# Texts and documents ------------------------------------------------------------------------------

def prose(rng, words):
    return " ".join(rng.choice(WORDS) for _ in range(words))


def documents():
    """Office files with much text, and one with a large picture; their paths."""
    rng = random.Random("bench")
    folder = os.path.join(SCRATCH, "documents")
    os.makedirs(folder, exist_ok=True)
    described = {
        "report.docx": {"format": "docx", "body": [prose(rng, 60) for _ in range(3000)]},
        "table.xlsx": {"format": "xlsx", "sheets": [{"name": "Plan", "rows": [
            [rng.randrange(10 ** 7), rng.choice(WORDS), prose(rng, 8), rng.random() * 1000]
            for _ in range(8000)]}]},
        "deck.pptx": {"format": "pptx", "slides": [
            {"texts": [prose(rng, 60), prose(rng, 60)], "notes": prose(rng, 60)}
            for _ in range(150)]},
        "picture.docx": {"format": "docx", "body": [prose(rng, 60) for _ in range(3000)]},
    }
    paths = []
    for name, one in described.items():
        package = packages.office(one)
        if name.startswith("picture"):
            package.parts["word/media/image1.png"] = random.Random(1).randbytes(32 << 20)
        paths.append(os.path.join(folder, name))
        with open(paths[-1], "wb") as file:
            file.write(package.bytes())
    return paths


# Rows ---------------------------------------------------------------------------------------------

def scanning():
    wanted = {"prose": 0.8, "digit table": 0.5, "headed table": 0.5}
    for line in out_of(program("classifiers", "scan_bench"), "5").splitlines():
        found = re.match(r"(.+?) +([\d.]+) MB/s; reference scan +([\d.]+) MB/s, ratio ([\d.]+)", line)
        name, speed, bare, ratio = found.groups()
        yield Row(f"scanning, {name}: of a bare hs_scan", float(ratio), "times", wanted[name],
                  beside=f"{speed} MB/s beside {bare}")


def office():
    text = out_of(program("classifiers", "office_bench"), "7", SCRATCH, *documents())
    for line in text.splitlines():
        found = re.match(r"(\S+) +\d+ bytes: parts +([\d.]+) ms, examined +([\d.]+) ms, ratio "
                         r"([\d.]+); copied +([\d.]+) ms, labelled +([\d.]+) ms, ratio ([\d.]+)", line)
        name, parts, whole, ratio, copied, labelled, label_ratio = found.groups()
        yield Row(f"examining {name}: of its bare parts", float(ratio), "times", 1.5, True,
                  f"{whole} ms beside {parts}")
        yield Row(f"labelling {name}: of copying it", float(label_ratio), "times", 1.3, True,
                  f"{labelled} ms beside {copied}")


def isolation():
    for line in out_of(program("classifiers", "examine_bench"), "300").splitlines():
        found = re.match(r"(.+?) +bare fork +(\d+) us.*examined +(\d+) us.*ratio ([\d.]+)", line)
        name, bare, whole, ratio = found.groups()
        yield Row(f"a process for a file, {name}: of fork and wait", float(ratio), "times", 2.5,
                  True, f"{whole} µs beside {bare}")


def sealing():
    text = out_of(program("daemon", "protect", "seal_bench"), "256", "3", SCRATCH)
    found = re.search(r"bare loop, digest included: ([\d.]+)", text)
    yield Row("sealing, one core: of libsodium with the digest", float(found.group(1)), "times", 0.9)
    found = re.search(r"age tool: ([\d.]+) without digest, ([\d.]+) with", text)
    yield Row("sealing, all cores: of the age tool", float(found.group(1)), "times", 1.0,
              beside=f"{found.group(2)} with the digest, which age does not make")


def latency():
    for files, kib, at_once, median, most in ((200, 64, 1, 20, 40), (60, 1024, 1, 20, 40),
                                              (200, 64, 10, None, 120)):
        text = out_of(sys.executable, os.path.join(HERE, "latency.py"), program("daemon"), SCRATCH,
                      str(files), str(kib), str(at_once))
        middle, slow = re.search(r"median (\d+) ms, 99 % (\d+) ms", text).groups()
        name = f"change to label, {kib} KiB, {at_once} at once"
        yield Row(f"{name}: median", float(middle), "ms", median, True)
        yield Row(f"{name}: 99 %", float(slow), "ms", most, True)


def webhooks():
    text = out_of(sys.executable, os.path.join(HERE, "webhooks.py"), program("daemon"), SCRATCH)
    runs = {}
    for line in text.splitlines():
        found = re.match(r"(\w+) +run.*?(\d+)/s.*?99\.9 % ([\d.]+) ms", line)
        if found:
            runs.setdefault(found.group(1), []).append((float(found.group(2)), float(found.group(3))))
    for name, found in runs.items():
        yield Row(f"webhooks kept, {name}: the least of {len(found)} runs",
                  min(rate for rate, _ in found), "a second", 5000)
        if name != "most":
            yield Row(f"webhooks answered, {name}: 99.9 %, the slowest run",
                      max(slow for _, slow in found), "ms", 100, True)


def throughput():
    text = out_of(sys.executable, os.path.join(HERE, "throughput.py"), program("daemon"), SCRATCH)
    for name, word in (("labelctl inspect", "labelctl inspect"), ("labeld's first walk", "labeld")):
        speed, ratio = re.search(rf"{word}.*? (\d+) files/s, ratio ([\d.]+)", text).groups()
        yield Row(f"10,000 mixed files, {name}", float(speed), "files/s",
                  beside=f"{ratio} of a sha256sum a file")


def peers():
    """The whole way of one document, program start included, beside other programs'."""
    report, table = documents()[:2]
    inspect = [program("daemon", "labelctl"), "inspect"]
    text = os.path.join(SCRATCH, "prose.txt")
    rng = random.Random("peers")
    with open(text, "w", encoding="ascii") as file:
        file.write("\n".join(prose(rng, 20) for _ in range(60000)))
    patterns = os.path.join(SCRATCH, "patterns")
    with open(os.path.join(HERE, "scan_reference.def"), encoding="utf-8") as file:
        words = re.findall(r'WORD\("((?:[^"\\]|\\.)*)"\)', file.read())
    with open(patterns, "w", encoding="utf-8") as file:
        file.write("\n".join(r"\b" + re.sub(r"[.+*?()\[\]{}|^$\\]", r"\\\g<0>", word) + r"\b" for word in words)
                   + "\n" + r"\b\d{9}\b" + "\n" + r"\b(?:\d[ -]?){13,19}\b" + "\n")
    signatures = os.path.join(SCRATCH, "none.ndb")  # its engine alone: no virus is looked for
    with open(signatures, "w", encoding="ascii") as file:
        file.write(f"Labeld.Nothing:0:*:{b'nothing that is there'.hex()}\n")
    reading = {
        report: "import docx; print(len('\\n'.join(p.text for p in docx.Document(%r).paragraphs)))",
        table: "import openpyxl; print(sum(1 for s in openpyxl.load_workbook(%r, read_only=True) "
               "for r in s.iter_rows(values_only=True)))",
    }
    beside = [(report, "python3-docx, text only", [PEER_PYTHON, "-c", reading[report] % report]),
              (table, "python3-openpyxl, cells only", [PEER_PYTHON, "-c", reading[table] % table]),
              (report, "clamscan, structured data", ["clamscan", f"--database={signatures}",
                                                     "--detect-structured=yes", report]),
              (text, "ripgrep, the same keywords", ["rg", "-c", "-i", "-f", patterns, text])]
    for path, name, command in beside:
        ours, theirs = timed([*inspect, path]), timed(command, 1, (0, 1))
        if ours is None or theirs is None:
            print(f"  {name}: not here, or it failed", file=sys.stderr)
            continue
        yield Row(f"labelctl inspect {os.path.basename(path)}: {name}", theirs / ours,
                  "times", beside=f"{ours * 1e3:.0f} ms beside {theirs * 1e3:.0f}")


def catalogue():
    for items in (10_000, 1_000_000):
        text = out_of(program("daemon", "jobs", "catalogue_bench"), str(items), "3", SCRATCH)
        found = dict(re.findall(r"^(.+?)  +([\d.]+) s  cpu", text, re.M))
        bare = float(found["rows read, not decided, 1 core"])
        for name, wanted in (("decided, all cores", None),
                             ("simulation beside other rules, all cores", 2)):
            took = float(found[name])
            yield Row(f"{items:,} items: {name}", took, "s", wanted, True,
                      f"{took / bare:.2f} of reading the rows on one core")


def growth():
    text = out_of(sys.executable, os.path.join(HERE, "growth.py"), program("daemon"), SCRATCH)
    small, large = re.findall(r"items: ([\d.]+) ms of cpu a visit, median (\d+) ms, heap ([\d.]+)", text)
    yield Row("a visit with 1,000,000 items known: of 10,000", float(large[0]) / float(small[0]),
              "times", 1.2, True, f"{large[0]} ms of processor beside {small[0]}")
    yield Row("labeld's heap with 1,000,000 items known", float(large[2]), "MiB", 64, True,
              f"{small[2]} MiB with 10,000")


ROWS = [scanning, office, isolation, sealing, latency, throughput, peers, catalogue, growth, webhooks]


def main():
    wanted = sys.argv[3:] or [row.__name__ for row in ROWS]
    os.makedirs(SCRATCH, exist_ok=True)
    rows, load = [], os.getloadavg()[0]
    print(f"load {load:.1f}, {os.cpu_count()} cores")
    for part in ROWS:
        if part.__name__ not in wanted:
            continue
        for row in part():
            rows.append(row)
            print(row.text(), flush=True)
    path = os.path.join(SCRATCH, "bench.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"load": load, "cores": os.cpu_count(), "rows": [row.json() for row in rows]},
                  file, indent=1, ensure_ascii=False)
    print(f"written to {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
