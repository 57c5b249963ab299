#!/usr/bin/env python3
"""What a role may do, as a table in daemon/http/README.md, made from routes.def and roles.def.
Without an argument: is it up to date? --write: bring it up to date."""
import os
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
sys.dont_write_bytecode = True
import tables  # noqa: E402

README = os.path.join(ROOT, "daemon", "http", "README.md")
BEGIN, END = "<!-- roles: tests/house/rolestable.py --write -->\n", "<!-- end of roles -->\n"


def table():
    names = list(tables.roles())
    lines = ["| operation | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    for method, path, operation, needs, _ in sorted(tables.routes(), key=lambda row: row[1]):
        cells = ["yes" if tables.may(name, needs) else "–" for name in names]
        lines.append(f"| `{operation}`: {method} {path} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main(write):
    with open(README, encoding="utf-8") as file:
        text = file.read()
    start, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    if text[start:end] == table():
        return 0
    if not write:
        print("daemon/http/README.md: the table of roles is not that of routes.def and roles.def; "
              "run tests/house/rolestable.py --write")
        return 1
    with open(README, "w", encoding="utf-8") as file:
        file.write(text[:start] + table() + text[end:])
    return 0


if __name__ == "__main__":
    sys.exit(main("--write" in sys.argv[1:]))
