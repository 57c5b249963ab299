#!/usr/bin/env python3
"""House checks over the sources: include matrix, lengths, banned functions, prefixes, headers
that compile alone, statements with ascending parameters. One argument: the check's name."""
import os
import re
import subprocess
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", ".."))
PRODUCT = ("daemon", "classifiers", "labels")
MAX_FUNCTION, MAX_FILE, MAX_HEADER, MAX_LINE = 60, 1000, 150, 100
BANNED = ("strcpy strcat sprintf vsprintf strncpy strncat strtok sscanf atoi atol atof gets "
          "system popen alloca").split()
RAW_MEMORY = "malloc calloc realloc strdup strndup".split()
RAW_OPEN = "open fopen openat".split()


def sources(*suffixes):
    for top in PRODUCT:
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            for name in sorted(names):
                if name.endswith(suffixes):
                    yield os.path.relpath(os.path.join(folder, name), ROOT)


def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def code_of(path):
    """The text without comments and the contents of strings; line breaks are kept."""
    def blank(match):
        found = match.group(0)
        if found[0] in "\"'":
            return found[0] * 2
        return "\n" * found.count("\n") or " "
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank,
                  text_of(path), flags=re.S)


def area(path):
    """The row of the include matrix that a file belongs to."""
    parts = path.split(os.sep)
    if parts[0] == "daemon":
        return parts[1] if len(parts) > 2 else "daemon"
    return parts[0]


def area_of_include(target):
    for top in ("daemon", ".", "labels", "classifiers"):
        path = os.path.normpath(os.path.join(top, target))
        if os.path.exists(os.path.join(ROOT, path)):
            return area(path)
    return "nowhere"


def include_rules():
    """({row: columns}, {header: the only files or folders that may include it})."""
    allowed, only = {}, {}
    for line in text_of("tests/house/includes.txt").splitlines():
        if not line or line.startswith("#"):
            continue
        row, columns = line.split(":")
        if row.startswith("only "):
            only.update((header, tuple(columns.split())) for header in row.split()[1:])
        else:
            allowed[row] = columns.split()
    return allowed, only


def check_includes():
    allowed, only = include_rules()
    for header in only:
        if not os.path.exists(os.path.join(ROOT, "daemon", header)):
            yield f"tests/house/includes.txt: there is no {header}"
    for path in sources(".c", ".h"):
        own = area(path)
        for number, line in enumerate(text_of(path).splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not match:
                continue
            target = match.group(1)
            column = area_of_include(target)
            if column != own and column not in allowed[own] and target not in allowed[own]:
                yield f"{path}:{number}: {own} may not include {target}"
            if target in only and not path.startswith(only[target]):
                yield f"{path}:{number}: this file may not include {target}"


def functions(code):
    """(first line, length, name) of each function body: a brace in column 0 after a header."""
    lines = code.splitlines()
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start:
            header = " ".join(lines[max(0, start - 6):start - 1])
            names = re.findall(r"(\w+)\s*\(", header)
            if names and line.rstrip() == "}":
                yield start, number - start + 1, names[-1] if len(names) == 1 else names[0]
            start = None


def check_lengths():
    for path in sources(".c", ".h"):
        text = text_of(path)
        count = text.count("\n")
        most = MAX_HEADER if path.endswith(".h") else MAX_FILE
        if count > most:
            yield f"{path}: {count} lines, at most {most}"
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > MAX_LINE:
                yield f"{path}:{number}: {len(line)} columns, at most {MAX_LINE}"
        for start, length, name in functions(code_of(path)):
            if length > MAX_FUNCTION:
                yield f"{path}:{start}: {name} has {length} lines, at most {MAX_FUNCTION}"


def calls(code, names):
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(")
    for number, line in enumerate(code.splitlines(), 1):
        for match in pattern.finditer(line):
            yield number, match.group(1)


def check_banned():
    for path in sources(".c", ".h"):
        code = code_of(path)
        for number, name in calls(code, BANNED):
            yield f"{path}:{number}: {name} is banned"
        if area(path) != "base":
            for number, name in calls(code, RAW_MEMORY):
                yield f"{path}:{number}: {name}: use mem_*, arena_* or buf_*"
        if area(path) in ("classifiers", "labels") and not path.endswith("/main.c"):
            for number, name in calls(code, RAW_OPEN):
                if not re.search(r"load-time", text_of(path)):
                    yield f"{path}:{number}: {name}: nothing is opened behind the lock-down"


def check_prefixes():
    """Public functions of x.h begin with x_ (or with the plural's singular: limits_, limit_)."""
    declaration = re.compile(r"^(?!static|typedef|#|\s|extern|struct \w+ \{|union|enum)"
                             r"[\w\s*]*?\**\b(\w+)\s*\(", re.M)
    for path in sources(".h"):
        noun = os.path.basename(path)[:-2]
        for match in declaration.finditer(re.sub(r"\{.*?\n\}", ";", code_of(path), flags=re.S)):
            name = match.group(1)
            stem = name.split("_")[0]
            if name.isupper() or name in ("__attribute__",):
                continue
            shared = len(os.path.commonprefix([noun, name]))
            if not (name.startswith((noun + "_", noun + "s_")) or noun.startswith(stem) or shared >= 6):
                yield f"{path}: {name} does not begin with {noun}_"


def check_headers():
    """Each header compiles alone."""
    flags = ["-std=c17", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
             "-I" + os.path.join(ROOT, "daemon"), "-I" + ROOT, "-I" + os.path.join(ROOT, "labels"),
             "-I" + os.path.join(ROOT, "classifiers")]
    packages = ["libhs", "libxml-2.0", "libfyaml", "jansson", "libmicrohttpd", "sqlite3", "libsodium"]
    flags += subprocess.run(["pkg-config", "--cflags"] + packages, check=True,
                            capture_output=True, text=True).stdout.split()
    for path in sources(".h"):
        run = subprocess.run(["cc"] + flags + ["-x", "c", os.path.join(ROOT, path)],
                             capture_output=True, text=True)
        if run.returncode:
            yield f"{path} does not compile alone:\n{run.stderr}"


def check_statements():
    """SQLite numbers $n by first appearance: they must appear in ascending order."""
    path = os.path.join(ROOT, "daemon/store/sql.def")
    if not os.path.exists(path):
        return
    for row in re.findall(r"^SQL\w*\((\w+),(.*?)\)\s*$", text_of("daemon/store/sql.def"),
                          re.M | re.S):
        seen = []
        for number in re.findall(r"\$(\d+)", row[1]):
            if int(number) not in seen:
                seen.append(int(number))
        if seen != list(range(1, len(seen) + 1)):
            yield f"daemon/store/sql.def: {row[0]}: parameters first appear as {seen}"


def check_readmes():
    """Each folder has a README with a line for each of its files."""
    for folder in ("daemon", "daemon/base", "daemon/config", "daemon/store", "daemon/sandbox",
                   "daemon/connect", "daemon/policy", "daemon/protect", "daemon/jobs", "daemon/http", "daemon/ctl",
                   "classifiers", "labels", "samples", "tests"):
        readme = os.path.join(ROOT, folder, "README.md")
        if not os.path.exists(readme):
            yield f"{folder} has no README.md"
            continue
        with open(readme, encoding="utf-8") as file:
            said = file.read()
        for name in sorted(os.listdir(os.path.join(ROOT, folder))):
            stem = name.rsplit(".", 1)[0]
            if name.endswith((".c", ".h", ".def", ".sql")) and stem not in said:
                yield f"{folder}/README.md says nothing of {name}"


CHECKS = {"includes": check_includes, "lengths": check_lengths, "banned": check_banned,
          "prefixes": check_prefixes, "headers": check_headers, "statements": check_statements,
          "readmes": check_readmes}


def main():
    problems = list(CHECKS[sys.argv[1]]())
    print("\n".join(problems) or "no complaints")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
