#!/usr/bin/env python3
"""Every sample is examined by the built labelctl and compared with its .expect.
Arguments: the folder of the built programs, a scratch folder."""
import filecmp
import json
import os
import re
import subprocess
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", ".."))
LEVELS = ["low", "medium", "high"]


def differences(report, expect):
    for key in ("format", "status", "reason"):
        if key in expect and report[key] != expect[key]:
            yield f"{key}: wanted {expect[key]}, got {report[key]} ({report['reason']})"
    if "labels" in expect:
        got = [label["id"] for label in report["labels"]]
        if got != expect["labels"]:
            yield f"labels: wanted {expect['labels']}, got {got}"
    found = {}
    for row in report["findings"]:
        one = found.setdefault(row["type"], {"unique": 0, "confidence": row["confidence"]})
        one["unique"] += row["unique"]
        if LEVELS.index(row["confidence"]) > LEVELS.index(one["confidence"]):
            one["confidence"] = row["confidence"]
    for name, wanted in expect.get("findings", {}).items():
        got = found.get(name)
        if not got:
            yield f"{name}: not found; found {sorted(found)}"
        elif any(got[key] != value for key, value in wanted.items()):
            yield f"{name}: wanted {wanted}, got {got}"
    if expect.get("only") and set(found) - set(expect["findings"]):
        yield f"found too much: {sorted(set(found) - set(expect['findings']))}"


def check_committed(made):
    """The files in the repository are those that the script makes."""
    kept = os.path.join(ROOT, "samples", "files")
    for folder, _, names in os.walk(kept):
        for name in names:
            path = os.path.join(folder, name)
            again = os.path.join(made, os.path.relpath(path, kept))
            if not os.path.exists(again) or not filecmp.cmp(path, again, shallow=False):
                yield f"{os.path.relpath(path, ROOT)} is not what samples/make.py makes"


def check_formats(seen):
    """Every format that is read so far, from plain text to Visio, has a sample."""
    with open(os.path.join(ROOT, "daemon", "base", "formats.def"), encoding="utf-8") as file:
        words = re.findall(r'^FORMAT\(\w+, +"(\w+)"', file.read(), re.M)
    for word in words[words.index("txt"):words.index("vsdm") + 1]:
        if word not in seen:
            yield f"no sample is a {word}"


def check_outcomes(seen):
    """Every status that a file can have; a sample that crashed the parser would be a bug, and is
    therefore not here: tests/boundary kills it."""
    with open(os.path.join(ROOT, "daemon", "base", "report.c"), encoding="utf-8") as file:
        words = re.findall(r'\[REPORT_\w+\] = "([\w-]+)"', file.read().split("};")[0])
    if "too-large" not in words:
        yield "the statuses of a report were not found"
    for word in words:
        if word not in seen and word != "crashed":
            yield f"no sample is {word}"


def limited(programs, scratch, path, limits):
    """The report of a sample that says which limits it is for."""
    given = [f"--limit={name}={value}" for name, value in limits.items()]
    run = subprocess.run([os.path.join(programs, "labelctl"), "inspect", "--json", path, *given],
                         capture_output=True, timeout=300,
                         env={**os.environ, "XDG_CACHE_HOME": os.path.join(scratch, "cache")})
    return json.loads(run.stdout)


def main():
    programs, scratch = sys.argv[1:3]
    made = os.path.join(scratch, "samples")
    subprocess.run([sys.executable, os.path.join(ROOT, "samples", "make.py"), made], check=True,
                   stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    run = subprocess.run([os.path.join(programs, "labelctl"), "inspect", "--json", made],
                         capture_output=True, timeout=300,
                         env={**os.environ, "XDG_CACHE_HOME": os.path.join(scratch, "cache")})
    reports = {row["path"]: row for row in map(json.loads, run.stdout.splitlines())}
    problems, count = list(check_committed(made)), 0
    for path in sorted(reports):
        if path.endswith(".expect"):
            continue
        with open(path + ".expect", encoding="utf-8") as file:
            expect = json.load(file)
        if "limits" in expect:
            reports[path] = limited(programs, scratch, path, expect["limits"])
        count += 1
        problems += [f"{os.path.relpath(path, made)}: {text}"
                     for text in differences(reports[path], expect)]
    problems += check_formats({report["format"] for report in reports.values()})
    problems += check_outcomes({report["status"] for report in reports.values()})
    if run.stderr:
        problems.append(run.stderr.decode(errors="replace"))
    print("\n".join(problems) or f"{count} samples are as expected")
    return 1 if problems or count < 30 else 0


if __name__ == "__main__":
    sys.exit(main())
