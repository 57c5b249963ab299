"""The tables of routes and roles that the daemon is built from (daemon/http/*.def)."""
import os
import re

ROOT = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", ".."))
HTTP = os.path.join(ROOT, "daemon", "http")


def rows(name, macro):
    with open(os.path.join(HTTP, name), encoding="utf-8") as file:
        return re.findall(rf"^{macro}\((.*)\)$", file.read(), re.M)


def caps():
    """{operation: most bytes of a body}."""
    return {row[2]: row[4] for row in every_field()}


def routes():
    """(method, path, operation, needs, answers) of each row."""
    for method, path, operation, needs, _cap, answers in every_field():
        yield method, path, operation, needs, answers


def every_field():
    for row in rows("routes.def", "ROUTE"):
        cell = r'\s*("(?:[^"\\]|\\.)*"|[^,]*)\s*'
        fields = [field.strip('"') for field in re.findall(cell + r"(?:,|$)", row)]
        method, path, operation, needs, _query, _body, cap, answers = fields[:8]
        yield method, path, operation, needs, int(cap), [int(code) for code in answers.split()]


def roles():
    """{word: the roles that it is at the same time}."""
    found = {}
    for row in rows("roles.def", "ROLE"):
        fields = [field.strip().strip('"') for field in row.split(",")]
        has = [int(field) for field in fields[2:6]]
        found[fields[1]] = {name for name, bit in
                            zip(("VIEWER", "COMPLIANCE", "REVIEWER", "ADMIN"), has) if bit}
    return found


def may(role, needs):
    wanted = {"NOBODY": set(), "EITHER": {"COMPLIANCE", "REVIEWER"}}.get(needs, {needs})
    return not wanted or bool(wanted & roles()[role])


def operation(method, path):
    """The row that answers, or None."""
    for row in routes():
        if row[0] == ("GET" if method == "HEAD" else method) and re.fullmatch(
                re.sub(r"\\{\w+\\}", "[^/]+", re.escape(row[1])), path):
            return row
    return None
