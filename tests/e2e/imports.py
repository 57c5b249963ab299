#!/usr/bin/env python3
"""`labelctl rules import`: the samples and what must become of them; hostile files.
Arguments: the folder of the built programs, a scratch folder. Environment: WRITE=1 writes what is
expected anew, to be read before it is kept."""
import json
import os
import subprocess
import sys
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", ".."))
SAMPLES = os.path.join(ROOT, "samples", "import")
PROGRAM, SCRATCH = os.path.join(os.path.abspath(sys.argv[1]), "labelctl"), os.path.abspath(sys.argv[2])
CASES = {"defender": ("--connection", "20892=team"), "purview": (), "purview-kept": ("--keep-modes",)}
NOT_AT_ALL = {
    "defender": ("fileId", "trashed", "policy", "InheritParentPermissions", "TransferOwnership",
                 "owner.orgUnit", "regex", "NotifySpecificUsers", "weather", "trained classifiers"),
    "purview": ("NotifyPolicyTipCustomText", "NotifyAllowOverride", "SubjectContainsWords",
                "ActivationDate", "StopPolicyProcessing", "highest confidence", "DocumentMatchesPatterns",
                "DocumentCreatedByMemberOf", "Novelty", "ConvertTo-Json", "GenerateIncidentReport"),
}


def ctl(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=90)


class Import(unittest.TestCase):
    def file(self, name, data):
        path = os.path.join(SCRATCH, name)
        with open(path, "wb") as file:
            file.write(data if isinstance(data, bytes) else json.dumps(data).encode())
        return path

    def test_each_sample_becomes_what_is_expected_and_passes_the_check(self):
        for name, options in CASES.items():
            source = os.path.join(SAMPLES, name.split("-")[0] + ".json")
            run = ctl("rules", "import", source, *options)
            self.assertEqual(run.returncode, 0, run.stderr)
            for end, text in ((".yaml", run.stdout), (".txt", run.stderr)):
                path = os.path.join(SAMPLES, name + end)
                if os.environ.get("WRITE"):
                    with open(path, "w", encoding="utf-8") as file:
                        file.write(text)
                with open(path, encoding="utf-8") as file:
                    self.assertEqual(text, file.read(), name + end)
            check = ctl("rules", "check", self.file(name + ".yaml", run.stdout.encode()))
            self.assertEqual(check.returncode, 0, check.stdout + check.stderr)

    def test_what_has_no_counterpart_is_named_and_a_missing_condition_switches_off(self):
        for name, fields in NOT_AT_ALL.items():
            run = ctl("rules", "import", os.path.join(SAMPLES, name + ".json"), *CASES[name])
            lost = [line for line in run.stderr.splitlines() if line.startswith("  lost")]
            for field in fields:
                self.assertTrue(any(field in line for line in lost), field)
            mode = None
            for line in run.stderr.splitlines():
                mode = line.rsplit(": ", 1)[1] if not line.startswith(" ") else mode
                if line.endswith("; the rule is off"):
                    self.assertEqual(mode, "off", line)
            self.assertNotIn("mode: enforce", run.stdout)

    def test_as_windows_powershell_writes_it(self):
        with open(os.path.join(SAMPLES, "purview.json"), encoding="utf-8") as file:
            text = file.read()
        plain = ctl("rules", "import", self.file("plain.json", text.encode())).stdout
        for name, encoding in (("16le", "utf-16"), ("bom", "utf-8-sig")):
            run = ctl("rules", "import", self.file(name, text.encode(encoding)))
            self.assertEqual((run.returncode, run.stdout), (0, plain), run.stderr)

    def test_names_and_texts_that_somebody_else_chose(self):
        names = ["", "true", "a: b # c", "x\n- y\x1b[31m", "\u2028\ufeff\u0085", "n" * 4000, "g" * 390,
                 "# *&!|>'\"%@`", "Ünï ☂ 😀", "same", "same", "same", "same (2)"]
        policies = [{"policyType": "FILE", "name": name, "filters":
                     {"filename": {"eq": [name or "*?\\"]}, "collaborators.users": {"eq": [name or "x"]}}}
                    for name in names]
        run = ctl("rules", "import", self.file("names.json", policies), "--output",
                  os.path.join(SCRATCH, f"names-{os.getpid()}.yaml"))
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertNotIn("\x1b", run.stderr)
        check = ctl("rules", "check", "--json", os.path.join(SCRATCH, f"names-{os.getpid()}.yaml"))
        self.assertEqual(check.returncode, 0, check.stdout + check.stderr)
        os.unlink(os.path.join(SCRATCH, f"names-{os.getpid()}.yaml"))

    def test_what_is_no_policy_is_refused(self):
        deep = b"[" * 2000 + b"]" * 2000
        for name, data, code in (("a", b"", 3), ("b", b"{", 3), ("c", b"[]", 3), ("d", b"[1]", 3),
                                 ("e", deep, 3), ("f", b'{"x":1}', 3), ("g", b"\xff\xfe", 3),
                                 ("h", b'[{"name":"x","name":"y"}]', 3), ("i", b"<xml/>", 3),
                                 ("j", [{"name": "x"}] * 10001, 3),
                                 ("k", b"[" + b" " * (17 << 20) + b"]", 3)):
            run = ctl("rules", "import", self.file("bad-" + name, data))
            self.assertEqual((run.returncode, run.stdout), (code, ""), (name, run.stderr))
            self.assertIn("bad-" + name, run.stderr)
        self.assertEqual(ctl("rules", "import").returncode, 2)

    def test_odd_values_lose_their_condition_and_never_match_more(self):
        odd = [None, True, 7, -1, 1e99, "x", "", [], {}, [[]], [{}], {"eq": None}, {"eq": {}},
               {"eq": [None, {}, [], 2**62]}, {"range": [{"start": "x"}]}, {"near": [1]}]
        fields = ["sharing", "fileType", "service", "filename", "mimeType", "createdDate", "folders",
                  "collaborators.withDomain", "owner.entity", "fileLabels", "fileScanLabels", "trashed"]
        policies = [{"policyType": "FILE", "name": f"{field} {n}", "filters": {field: value}}
                    for field in fields for n, value in enumerate(odd)]
        policies += [{"Name": f"{field} {n}", "Policy": "p", field: value} for n, value in enumerate(odd)
                     for field in ("ContentContainsSensitiveInformation", "AccessScope", "AdvancedRule",
                                   "DocumentSizeOver", "NotifyUser", "ContentPropertyContainsWords")]
        run = ctl("rules", "import", self.file("odd.json", policies))
        self.assertEqual(run.returncode, 0, run.stderr)
        check = ctl("rules", "check", self.file("odd.yaml", run.stdout.encode()))
        self.assertEqual(check.returncode, 0, check.stdout + check.stderr)


if __name__ == "__main__":
    os.makedirs(SCRATCH, exist_ok=True)
    sys.argv[1:] = []
    unittest.main(verbosity=2)
