#!/usr/bin/env python3
"""The built labelctl as its users meet it: every case runs the program on files made here.
Arguments: the folder of the built programs, a scratch folder, [names of cases or classes]."""
import base64
import json
import os
import re
import resource
import shutil
import socket
import stat
import subprocess
import sys
import unittest
import zipfile

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "samples"))
import make  # noqa: E402
from documents import (CARD, awkward_docx, docx, packed, properties, raw_entries,  # noqa: E402
                       read, zip_parts)

PROGRAMS, SCRATCH, SAMPLES = "", "", ""
PATIENCE = 90
SITE = "3b1f6f0a-52d1-4d0e-9a53-0c7e5d9f4a10"
OTHER_SITE = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
PUBLIC = "6a0b7d52-2f4b-4c57-9c0e-5d6b1d0c7a01"
GENERAL = "0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11"
FINANCE = "c1e5b9d4-0a63-4f8d-b2a7-6e9d4c7f5b04"
RULES = f"""site: {SITE}
labels:
  - {{ name: Public, id: {PUBLIC} }}
  - {{ name: General, id: {GENERAL} }}
  - name: Confidential
    id: 5b0e2b44-3f39-4d6e-8c8a-7b6f0d5a9e02
    sub: [{{ name: Finance, id: {FINANCE} }}]
"""
OURS = ["--site", SITE]


# Frame -----------------------------------------------------------------------------------------

class Case(unittest.TestCase):
    def setUp(self):
        self.home = os.path.join(SCRATCH, "case")
        shutil.rmtree(self.home, ignore_errors=True)
        os.makedirs(self.home)

    def file(self, name, data):
        path = os.path.join(self.home, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        return path

    def run_ctl(self, *arguments, **more):
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith("LABELD_")}
        environment.setdefault("ASAN_OPTIONS", "quarantine_size_mb=1")  # quicker starts
        environment["XDG_CACHE_HOME"] = os.path.join(os.path.dirname(SCRATCH), "types-cache")
        environment.update(more.pop("env", {}))
        if "stdout" not in more:
            more["stdout"] = subprocess.PIPE
        return subprocess.run([os.path.join(PROGRAMS, "labelctl"), *arguments],
                              stderr=subprocess.PIPE, cwd=more.pop("cwd", self.home),
                              timeout=PATIENCE, env=environment, **more)

    def ctl(self, code, *arguments, **more):
        """Run, expect the exit code, give back (stdout, stderr) as text."""
        done = self.run_ctl(*arguments, **more)
        out = (done.stdout or b"").decode("utf-8", "surrogateescape")
        err = done.stderr.decode("utf-8", "replace")
        self.assertNotIn("Sanitizer", err)
        self.assertEqual(done.returncode, code, f"{arguments}\n{out[:2000]}\n{err[:4000]}")
        return out, err

    def json(self, code, *arguments, **more):
        """The JSON lines on stdout."""
        out, _ = self.ctl(code, *arguments, **more)
        return [json.loads(line) for line in out.splitlines()]

    def labels(self, path):
        return self.json(0, "label", "get", "--json", path)[0]["labels"]

    def set(self, path, label, *more, code=0, **options):
        return self.json(code, "label", "set", "--json", path, "--label", label, *more,
                         **options)[0]

    def only(self, *names):
        self.assertEqual(sorted(os.listdir(self.home)), sorted(names))


# inspect ---------------------------------------------------------------------------------------

class Inspect(Case):
    def test_a_text_says_what_is_in_it(self):
        path = self.file("cards.txt", f"credit card {CARD}\nagain {CARD}\n")
        out, err = self.ctl(0, "inspect", path)
        self.assertEqual(out.splitlines()[0], f"{path}  txt, 58 bytes, ok")
        self.assertRegex(out, r"credit-card +2 \(1 different\) +high")
        self.assertNotIn("4539", out)
        self.assertEqual(err, "")

    def test_json_has_the_stable_fields(self):
        data = docx("credit card " + CARD, label={"id": FINANCE, "name": "Finance",
                                                  "site": SITE})
        path = self.file("a.docx", data)
        report = self.json(0, "inspect", "--json", path)[0]
        self.assertEqual(list(report)[:9], ["path", "size", "sha256", "mime", "format", "status",
                                            "reason", "labels", "findings"])
        import hashlib
        self.assertEqual(report["sha256"], hashlib.sha256(data).hexdigest())
        self.assertEqual((report["path"], report["size"], report["format"], report["status"],
                          report["reason"]), (path, len(data), "docx", "ok", None))
        self.assertIn("wordprocessingml.document", report["mime"])
        label = report["labels"][0]
        self.assertEqual((label["id"], label["name"], label["site_id"], label["enabled"],
                          label["method"], label["source"]),
                         (FINANCE, "Finance", SITE, True, "Standard", "file"))
        finding = report["findings"][0]
        self.assertEqual((finding["type"], finding["confidence"], finding["count"],
                          finding["unique"]), ("credit-card", "high", 1, 1))
        self.assertEqual(finding["where"],
                         [{"part": "word/document.xml", "offset": 12, "length": 19}])
        self.assertEqual(finding["variants"], {"card-visa": {"count": 1, "unique": 1}})
        self.assertGreater(report["text_bytes"], 31)
        self.assertNotIn(CARD, json.dumps(report))

    def test_a_value_found_often_has_twenty_places(self):
        path = self.file("many.txt", f"credit card {CARD}\n" * 50)
        finding = self.json(0, "inspect", "--json", path)[0]["findings"][0]
        self.assertEqual((finding["count"], finding["unique"]), (50, 1))
        self.assertEqual(len(finding["where"]), 20)

    def test_show_masks_every_value(self):
        path = self.file("cards.txt", f"credit card {CARD}\nIBAN DE68 2105 0170 0012 3456 78\n")
        out, _ = self.ctl(0, "inspect", "--show", path)
        self.assertIn("byte 12: 4539 04** **** 3998  credit-card, high", out)
        self.assertNotIn(CARD, out)
        self.assertNotIn("2105 0170 0012 3456", out)

    def test_folders_are_walked_in_bytewise_order_whatever_jobs(self):
        names = ["b/2.txt", "b/10.txt", "b/.hidden", "B.txt", "a.txt", "b.txt", "é.txt", "b/c/x",
                 "_.txt", "~.txt"]
        for name in names:
            self.file("tree/" + name, "credit card " + CARD)
        wanted = sorted(names, key=lambda name: [part.encode() for part in name.split("/")])
        answers = set()
        for jobs in ("1", "2", "16"):
            out, _ = self.ctl(0, "inspect", "--json", "--jobs", jobs, "tree")
            answers.add(out)
            self.assertEqual([json.loads(line)["path"] for line in out.splitlines()],
                             ["tree/" + name for name in wanted])
        self.assertEqual(len(answers), 1)

    def test_arguments_keep_their_order_and_may_repeat(self):
        for name in ("z.txt", "a.txt", "m/x.txt"):
            self.file(name, "x")
        paths = [row["path"] for row in
                 self.json(0, "inspect", "--json", "z.txt", "m", "a.txt", "z.txt")]
        self.assertEqual(paths, ["z.txt", "m/x.txt", "a.txt", "z.txt"])

    def test_links_are_followed_only_as_arguments(self):
        self.file("real/a.txt", "x")
        self.file("tree/b.txt", "y")
        os.symlink("../real/a.txt", os.path.join(self.home, "tree/link"))
        os.symlink("../real", os.path.join(self.home, "tree/folder"))
        os.symlink("nowhere", os.path.join(self.home, "tree/dangling"))
        os.symlink("real", os.path.join(self.home, "arg"))
        self.assertEqual([row["path"] for row in self.json(0, "inspect", "--json", "tree")],
                         ["tree/b.txt"])
        paths = [row["path"] for row in
                 self.json(0, "inspect", "--json", "tree/link", "arg")]
        self.assertEqual(paths, ["tree/link", "arg/a.txt"])

    def test_special_files_are_skipped_with_a_note(self):
        self.file("tree/a.txt", "x")
        os.mkfifo(os.path.join(self.home, "tree/pipe"))
        with socket.socket(socket.AF_UNIX) as server:
            here = os.getcwd()
            os.chdir(os.path.join(self.home, "tree"))
            server.bind("socket")
            os.chdir(here)
            out, err = self.ctl(0, "inspect", "--json", "tree")
        self.assertEqual(len(out.splitlines()), 1)
        self.assertIn("tree/pipe: special file, skipped", err)
        self.assertIn("tree/socket: special file, skipped", err)
        out, err = self.ctl(0, "inspect", "/dev/null")
        self.assertEqual(out, "")
        self.assertIn("/dev/null: special file, skipped", err)

    def test_standard_input(self):
        report = self.json(0, "inspect", "--json", "-", input=f"credit card {CARD}".encode())[0]
        self.assertEqual((report["path"], report["size"]), ("-", 31))
        self.assertEqual(report["findings"][0]["type"], "credit-card")

    def test_a_name_that_is_not_utf8(self):
        path = os.path.join(self.home.encode(), b"tree", b"caf\xe9 \xff.txt")
        os.makedirs(os.path.dirname(path))
        with open(path, "wb") as file:
            file.write(b"x")
        report = self.json(0, "inspect", "--json", "tree")[0]
        self.assertEqual(report["path"], "tree/caf\ufffd \ufffd.txt")
        self.assertEqual(base64.b64decode(report["path_base64"]), b"tree/caf\xe9 \xff.txt")
        self.file("plain", "x")
        self.assertNotIn("path_base64", self.json(0, "inspect", "--json", "plain")[0])

    def test_control_characters_of_a_name_reach_no_terminal(self):
        self.file("tree/a\x1b[31m\nb", "x")
        out, _ = self.ctl(0, "inspect", "tree")
        self.assertNotIn("\x1b", out)
        self.assertEqual(len(out.splitlines()), 1)
        self.assertEqual(self.json(0, "inspect", "--json", "tree")[0]["path"],
                         "tree/a\x1b[31m\nb")

    def test_a_missing_file_is_three_and_the_others_are_told(self):
        self.file("a.txt", "x")
        out, err = self.ctl(3, "inspect", "--json", "gone.txt", "a.txt")
        self.assertEqual([json.loads(line)["path"] for line in out.splitlines()], ["a.txt"])
        self.assertRegex(err, r"gone\.txt: .*[Nn]o such file")

    def test_exit_codes_by_status(self):
        for name, code in (("closed/protected.docx", 3), ("closed/secret.zip", 3),
                           ("closed/sealed.age", 3), ("hostile/bomb.docx", 3),
                           ("hostile/cut.docx", 3), ("hostile/dtd.docx", 3),
                           ("other/noise.bin", 0), ("other/dot.png", 0), ("text/empty.txt", 0)):
            with self.subTest(name):
                rows = self.json(code, "inspect", "--json", os.path.join(SAMPLES, name))
                self.assertEqual(len(rows), 1)

    def test_a_full_disk_is_told(self):
        self.file("a.txt", "x")
        with open("/dev/full", "wb") as full:
            _, err = self.ctl(3, "inspect", "--json", "a.txt", stdout=full)
        self.assertIn("writing the answer failed", err)

    def test_usage_mistakes_are_two(self):
        for arguments, words in ((("inspect",), "usage"), (("inspect", "--nope", "x"), "--nope"),
                                 (("inspect", "--jobs", "0", "x"), "--jobs"),
                                 (("inspect", "--jobs", "many", "x"), "many"),
                                 (("inspect", "--jobs"), "--jobs"),
                                 (("inspect", "--json=1", "x"), "--json")):
            with self.subTest(arguments):
                out, err = self.ctl(2, *arguments)
                self.assertEqual(out, "")
                self.assertIn(words, err)


# text and the places of findings ---------------------------------------------------------------

class Text(Case):
    def part(self, path, part, code=0):
        out, _ = self.ctl(code, "text", "--part", part, path)
        return out

    def test_parts_follow_each_other_with_a_blank_line(self):
        path = os.path.join(SAMPLES, "office", "cards-shared.docx")
        names = ["word/document.xml", "word/header1.xml", "word/footer1.xml",
                 "word/footnotes.xml", "word/comments.xml", "docProps/core.xml"]
        whole, _ = self.ctl(0, "text", path)
        parts = [self.part(path, name).strip("\n") for name in names]
        self.assertEqual(whole.strip("\n"), "\n\n".join(parts))
        self.assertTrue(all(parts))

    def test_a_plain_file_is_its_own_text(self):
        path = self.file("a.txt", "Größe\nend\n")
        self.assertEqual(self.ctl(0, "text", path)[0], "Größe\nend\n")
        self.assertEqual(self.ctl(0, "text", "-", input=b"abc")[0], "abc")

    def test_a_part_that_is_not_there(self):
        path = self.file("a.docx", docx())
        out, err = self.ctl(3, "text", "--part", "word/nothing.xml", path)
        self.assertEqual(out, "")
        self.assertIn('no part "word/nothing.xml"', err)

    def test_what_cannot_be_read_is_three(self):
        out, err = self.ctl(3, "text", os.path.join(SAMPLES, "closed", "protected.docx"))
        self.assertEqual(out, "")
        self.assertIn("encrypted", err)
        self.ctl(3, "text", "gone.txt")

    def test_every_place_of_every_sample_is_where_it_says(self):
        """The masked value of --show, laid over the part's text at that place, must fit."""
        places = 0
        done = self.run_ctl("inspect", "--json", SAMPLES)
        for report in map(json.loads, done.stdout.splitlines()):
            if not report["findings"] or report["path"].endswith(".expect"):
                continue
            shown, _ = self.ctl(0, "inspect", "--show", report["path"])
            texts = {}
            for finding in report["findings"]:
                for place in finding["where"]:
                    self.check_place(report["path"], finding, place, texts, shown)
                    places += 1
        self.assertGreater(places, 60)

    def check_place(self, path, finding, place, texts, shown):
        part = place["part"]
        if part not in texts:
            texts[part] = self.run_ctl("text", "--part", part, path).stdout
        value = texts[part][place["offset"]:place["offset"] + place["length"]]
        what = f"{path} {finding['type']} {place}"
        self.assertEqual(len(value), place["length"], what)
        value = value.decode()
        head = f"{part}:{place['offset']}: " if part else f"byte {place['offset']}: "
        masks = [line.strip()[len(head):].rpartition("  ")[0] for line in shown.splitlines()
                 if line.strip().startswith(head)
                 and line.endswith(f"  {finding['type']}, {finding['confidence']}")]
        self.assertTrue(masks, what)
        self.assertTrue(any(self.fits(mask, value) for mask in masks),
                        f"{what}: {masks} is not a mask of what stands there")
        self.assertNotIn(value, shown, what)

    @staticmethod
    def fits(mask, value):
        """Masks may be cut; what they show must be the value's."""
        value = re.sub(r"\s", " ", value)
        if len(mask) == len(value):
            return "*" in mask and all(m in ("*", v) for m, v in zip(mask, value))
        head, tail = mask.split("*")[0], mask.rsplit("*")[-1]
        return "*" in mask and value.startswith(head.split("…")[0])


# label -----------------------------------------------------------------------------------------

class LabelGet(Case):
    def test_no_label_is_no_error(self):
        path = self.file("a.docx", docx())
        self.assertEqual(self.json(0, "label", "get", "--json", path),
                         [{"path": path, "labels": []}])
        self.assertEqual(self.ctl(0, "label", "get", path)[0], f"{path}  no label\n")

    def test_many_files_in_order_and_the_highest_exit(self):
        good = self.file("z.docx", docx(label={"id": FINANCE, "name": "Finance", "site": SITE}))
        text = self.file("a.txt", "x")
        rows = self.json(3, "label", "get", "--json", good, "gone.docx", text)
        self.assertEqual([row["path"] for row in rows], [good, "gone.docx", text])
        self.assertEqual(rows[0]["labels"][0]["id"], FINANCE)
        self.assertEqual(set(rows[1]["error"]), {"code", "message"})
        self.assertEqual(rows[2]["labels"], [])

    def test_a_file_that_cannot_be_opened_is_not_one_without_a_label(self):
        for name, code in (("hostile/cut.docx", "damaged"), ("hostile/overlap.docx", "damaged"),
                           ("closed/secret.zip", "encrypted")):
            with self.subTest(name):
                row, = self.json(3, "label", "get", "--json", os.path.join(SAMPLES, name))
                self.assertEqual(row["error"]["code"], code)

    def test_the_label_part_wins_over_the_properties(self):
        path = os.path.join(SAMPLES, "office", "label-removed.xlsx")
        self.assertEqual(self.labels(path), [])

    def test_standard_input(self):
        data = docx(label={"id": FINANCE, "name": "Finance", "site": SITE})
        row = self.json(0, "label", "get", "--json", "-", input=data)[0]
        self.assertEqual((row["path"], row["labels"][0]["id"]), ("-", FINANCE))


class LabelSet(Case):
    def test_an_independent_reader_sees_the_label(self):
        path = self.file("a.docx", docx())
        answer = self.set(path, FINANCE, *OURS, "--name", "Confidential \\ Finance")
        self.assertEqual((answer["path"], answer["result"]), (path, "set"))
        label, = answer["labels"]
        self.assertEqual((label["id"], label["site_id"], label["name"], label["method"]),
                         (FINANCE, SITE, "Confidential \\ Finance", "Privileged"))
        found = properties(path)
        head = f"MSIP_Label_{FINANCE}_"
        self.assertEqual([key[len(head):] for key in found],
                         ["Enabled", "SetDate", "Method", "Name", "SiteId", "ActionId",
                          "ContentBits"])
        self.assertEqual((found[head + "Enabled"], found[head + "SiteId"], found[head + "Name"],
                          found[head + "ContentBits"]),
                         ("true", SITE, "Confidential \\ Finance", "0"))
        self.assertRegex(found[head + "SetDate"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(self.labels(path), answer["labels"])
        with zipfile.ZipFile(path) as archive:
            self.assertIsNone(archive.testzip())
        self.only("a.docx")

    def test_a_label_does_not_change_what_the_text_is(self):
        """Releases and echoes are told by the text's digest: a label of ours is not in it."""
        for name in ("cards-shared.docx", "payroll.xlsx", "deck.pptx", "labelled.docx"):
            with open(os.path.join(ROOT, "samples/files/office", name), "rb") as sample:
                path = self.file(name, sample.read())
            digests = []
            for change in (("set", path, "--label", FINANCE, *OURS),
                           ("set", path, "--label", GENERAL, *OURS),
                           ("remove", path, "--site", SITE)):
                digests.append(json.loads(self.ctl(0, "inspect", "--json", path)[0])["text_digest"])
                self.ctl(0, "label", *change)
            digests.append(json.loads(self.ctl(0, "inspect", "--json", path)[0])["text_digest"])
            self.assertEqual(len(set(digests)), 1, name)

    def test_the_text_form(self):
        path = self.file("a.docx", docx())
        out, err = self.ctl(0, "label", "set", path, "--label", FINANCE, *OURS)
        self.assertEqual(out.splitlines()[0], f"{path}: set")
        self.assertIn(FINANCE, out)
        self.assertEqual(err, "")

    def test_without_a_name_the_guid_is_the_name_and_guids_may_be_written_as_people_do(self):
        path = self.file("a.docx", docx())
        answer = self.set(path, "{" + FINANCE.upper() + "}", "--site", SITE.upper())
        label, = answer["labels"]
        self.assertEqual((label["id"], label["site_id"], label["name"]), (FINANCE, SITE, FINANCE))

    def test_every_untouched_entry_keeps_its_bytes(self):
        edited = {"[Content_Types].xml", "_rels/.rels", "docProps/custom.xml"}
        for data in (docx(), awkward_docx(), b"some bytes in front" + awkward_docx()):
            path = self.file("a.docx", data)
            self.set(path, FINANCE, *OURS)
            before, after = raw_entries(data), raw_entries(read(path))
            self.assertEqual([n for n in after if n != "docProps/custom.xml"], list(before))
            for name in set(before) - edited:
                self.assertEqual(before[name], after[name], name)
            comment = data[data.rindex(b"PK\x05\x06") + 20:]
            self.assertTrue(read(path).endswith(comment))
            with zipfile.ZipFile(path) as archive:
                self.assertIsNone(archive.testzip())

    def test_the_second_set_changes_nothing(self):
        path = self.file("a.docx", docx())
        self.set(path, FINANCE, *OURS)
        data, before = read(path), os.stat(path)
        answer = self.set(path, FINANCE, *OURS)
        after = os.stat(path)
        self.assertEqual(answer["result"], "unchanged")
        self.assertEqual(answer["labels"][0]["id"], FINANCE)
        self.assertEqual(read(path), data)
        self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))
        self.set(path, FINANCE, *OURS, "--output", os.path.join(self.home, "b.docx"))
        self.assertEqual(read(os.path.join(self.home, "b.docx")), data)

    def test_a_second_label_touches_only_the_properties(self):
        path = self.file("a.docx", docx())
        self.set(path, GENERAL, *OURS)
        before = raw_entries(read(path))
        self.set(path, FINANCE, *OURS)
        after = raw_entries(read(path))
        self.assertEqual([name for name in before if before[name] != after[name]],
                         ["docProps/custom.xml"])
        self.assertEqual([label["id"] for label in self.labels(path)], [FINANCE])
        self.assertFalse([key for key in properties(path) if GENERAL in key])

    def test_the_method_rises_and_never_falls(self):
        path = self.file("a.docx", docx())
        answer = self.set(path, FINANCE, *OURS, "--method", "standard")
        self.assertEqual(answer["labels"][0]["method"], "Standard")
        answer = self.set(path, FINANCE, *OURS)
        self.assertEqual((answer["result"], answer["labels"][0]["method"]),
                         ("set", "Privileged"))
        answer = self.set(path, FINANCE, *OURS, "--method", "standard")
        self.assertEqual((answer["result"], answer["labels"][0]["method"]),
                         ("unchanged", "Privileged"))

    def test_mode_owner_and_attributes_are_kept_and_the_time_is_new(self):
        path = self.file("a.docx", docx())
        os.chmod(path, 0o640)
        try:
            os.setxattr(path, "user.test", b"kept")
        except OSError:
            self.skipTest("no extended attributes here")
        os.utime(path, ns=(10**18, 10**18))
        self.set(path, FINANCE, *OURS)
        after = os.stat(path)
        self.assertEqual(stat.S_IMODE(after.st_mode), 0o640)
        self.assertEqual((after.st_uid, after.st_gid), (os.getuid(), os.getgid()))
        self.assertEqual(os.getxattr(path, "user.test"), b"kept")
        self.assertGreater(after.st_mtime_ns, 10**18)

    def test_a_link_is_followed_and_stays_a_link(self):
        path = self.file("real/a.docx", docx())
        link = os.path.join(self.home, "link.docx")
        os.symlink(path, link)
        self.set(link, FINANCE, *OURS)
        self.assertTrue(os.path.islink(link))
        self.assertEqual(self.labels(path)[0]["id"], FINANCE)
        self.assertEqual(os.listdir(os.path.dirname(path)), ["a.docx"])

    def test_output_leaves_the_input_alone(self):
        path = self.file("a.docx", docx())
        data, out = read(path), os.path.join(self.home, "out.docx")
        answer = self.set(path, FINANCE, *OURS, "--output", out)
        self.assertEqual(answer["result"], "set")
        self.assertEqual(read(path), data)
        self.assertEqual(self.labels(out)[0]["id"], FINANCE)
        self.only("a.docx", "out.docx")

    def test_pipelines(self):
        done = self.run_ctl("label", "set", "-", "--label", FINANCE, *OURS, "--json",
                            input=docx())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stderr)["result"], "set")
        path = self.file("out.docx", done.stdout)
        self.assertEqual(self.labels(path)[0]["id"], FINANCE)
        done = self.run_ctl("label", "remove", "-", input=done.stdout)
        self.assertEqual(done.returncode, 0, done.stderr)
        path = self.file("out.docx", done.stdout)
        self.assertEqual(self.labels(path), [])
        done = self.run_ctl("label", "set", path, "--label", FINANCE, *OURS, "--output", "-")
        self.assertEqual(self.labels(self.file("out.docx", done.stdout))[0]["id"], FINANCE)

    def test_a_refusal_in_a_pipeline_puts_nothing_on_stdout(self):
        signed = read(os.path.join(SAMPLES, "office", "signed.docx"))
        for more in ((), ("--json",)):
            done = self.run_ctl("label", "set", "-", "--label", FINANCE, *OURS, *more,
                                input=signed)
            self.assertEqual((done.returncode, done.stdout), (3, b""))
            self.assertIn(b"signed", done.stderr)
        self.assertEqual(json.loads(done.stderr)["error"]["code"], "signed")

    def test_every_office_format_takes_a_label(self):
        for name in ("deck.pptx", "payroll.xlsx", "macros.docm", "macros.xlsm", "show.ppsx",
                     "strict.docx", "template.dotx", "labelled.docx"):
            with self.subTest(name):
                path = self.file(name, read(os.path.join(SAMPLES, "office", name)))
                self.assertEqual(self.set(path, FINANCE, *OURS)["result"], "set")
                mine = [label["id"] for label in self.labels(path) if label["site_id"] == SITE]
                self.assertEqual(mine, [FINANCE])

    def test_the_tenant_must_be_known(self):
        path = self.file("a.docx", docx())
        data = read(path)
        for arguments, words in (((), "--site"), (("--site", "nonsense"), "not a GUID")):
            _, err = self.ctl(2, "label", "set", path, "--label", FINANCE, *arguments)
            self.assertIn(words, err)
        rules = self.file("rules.yaml", RULES.replace(f"site: {SITE}\n", ""))
        _, err = self.ctl(2, "label", "set", path, "--label", FINANCE, "--rules", rules)
        self.assertIn("--site", err)
        self.assertEqual(read(path), data)

    def test_usage_mistakes(self):
        path = self.file("a.docx", docx())
        for arguments, words in (((path,), "--label"), ((path, "--label", "Finance"), "--rules"),
                                 ((), "usage"), ((path, path, "--label", FINANCE), "usage"),
                                 ((path, "--label", FINANCE, "--method", "x"), "--method"),
                                 ((path, "--label", FINANCE, "--justification", ""),
                                  "--justification"),
                                 ((path, "--label", FINANCE, "--justification", "x" * 1001),
                                  "--justification")):
            with self.subTest(arguments[1:]):
                _, err = self.ctl(2, "label", "set", *arguments, *OURS)
                self.assertIn(words, err)


class LabelTenants(Case):
    def test_labels_of_other_tenants_are_never_touched(self):
        path = self.file("a.docx", docx())
        self.set(path, GENERAL, "--site", OTHER_SITE)
        answer = self.set(path, FINANCE, *OURS)
        both = {(label["site_id"], label["id"]) for label in answer["labels"]}
        self.assertEqual(both, {(SITE, FINANCE), (OTHER_SITE, GENERAL)})
        answer = self.json(0, "label", "remove", path, *OURS, "--json")[0]
        self.assertEqual(answer["result"], "removed")
        self.assertEqual([label["site_id"] for label in self.labels(path)], [OTHER_SITE])
        answer = self.json(0, "label", "remove", path, *OURS, "--json")[0]
        self.assertEqual(answer["result"], "unchanged")

    def test_remove_without_site_takes_all(self):
        path = self.file("a.docx", docx("hi"))
        self.set(path, GENERAL, "--site", OTHER_SITE)
        self.set(path, FINANCE, *OURS)
        answer = self.json(0, "label", "remove", path, "--json")[0]
        self.assertEqual((answer["result"], answer["labels"]), ("removed", []))
        self.assertEqual(self.labels(path), [])
        self.assertEqual(properties(path), {})
        data = read(path)
        self.assertEqual(self.json(0, "label", "remove", path, "--json")[0]["result"],
                         "unchanged")
        self.assertEqual(read(path), data)

    def test_remove_leaves_the_other_entries_and_properties(self):
        data = awkward_docx()
        path = self.file("a.docx", data)
        self.set(path, FINANCE, *OURS)
        self.ctl(0, "label", "remove", path, *OURS)
        before, after = raw_entries(data), raw_entries(read(path))
        for name in set(before) - {"[Content_Types].xml", "_rels/.rels"}:
            self.assertEqual(before[name], after[name], name)


class LabelRules(Case):
    def setUp(self):
        super().setUp()
        self.rules = self.file("rules.yaml", RULES)
        self.path = self.file("a.docx", docx())

    def by(self, label, *more, code=0):
        return self.set(self.path, label, "--rules", self.rules, *more, code=code)

    def test_names_come_from_the_rules(self):
        label, = self.by("Confidential/Finance")["labels"]
        self.assertEqual((label["id"], label["site_id"]), (FINANCE, SITE))
        self.assertIn("Finance", label["name"])

    def test_site_beats_the_rules(self):
        label, = self.by("General", "--site", OTHER_SITE)["labels"]
        self.assertEqual((label["id"], label["site_id"]), (GENERAL, OTHER_SITE))

    def test_groups_and_unknown_names_are_usage_mistakes(self):
        for name, words in (("Confidential", "group"), ("Secret", 'no label "Secret"')):
            _, err = self.ctl(2, "label", "set", self.path, "--label", name, "--rules",
                              self.rules)
            self.assertIn(words, err)

    def test_lowering_needs_a_justification(self):
        self.by("Confidential/Finance")
        data = read(self.path)
        answer = self.by("General", code=3)
        self.assertEqual(answer["error"]["code"], "downgrade")
        self.assertIn("Confidential/Finance", answer["error"]["message"])
        self.assertIn("General", answer["error"]["message"])
        self.assertEqual(read(self.path), data)
        out = os.path.join(self.home, "out.docx")
        self.by("General", "--output", out, code=3)
        self.assertFalse(os.path.exists(out))
        why = "the figures are public since Monday"
        answer = self.by("General", "--justification", why)
        self.assertEqual((answer["result"], answer["justification"]), ("set", why))
        for _, part in zip_parts(read(self.path)):
            self.assertNotIn(why.encode(), part)
        self.assertEqual(self.labels(self.path)[0]["id"], GENERAL)

    def test_raising_and_the_same_label_need_none(self):
        self.by("Public")
        self.assertEqual(self.by("General")["result"], "set")
        self.assertEqual(self.by("General")["result"], "unchanged")

    def test_removing_needs_a_justification(self):
        self.by("General")
        remove = ("label", "remove", self.path, "--rules", self.rules, "--json")
        answer = self.json(3, *remove)[0]
        self.assertEqual(answer["error"]["code"], "downgrade")
        answer = self.json(0, *remove, "--justification", "Größe 北")[0]
        self.assertEqual((answer["result"], answer["justification"]), ("removed", "Größe 北"))

    def test_a_thousand_characters_of_justification_are_characters(self):
        self.by("General", "--justification", "ü" * 1000)

    def test_without_rules_priorities_are_unknown(self):
        self.by("Confidential/Finance")
        self.assertEqual(self.set(self.path, PUBLIC, *OURS)["result"], "set")

    def test_broken_rules_are_exit_two(self):
        rules = self.file("broken.yaml", RULES + "rulez: []\n")
        _, err = self.ctl(2, "label", "set", self.path, "--label", "General", "--rules", rules)
        self.assertIn(f'{rules}:8:1: error: unknown key "rulez"', err)
        self.ctl(2, "label", "set", self.path, "--label", "General", "--rules", "gone.yaml")


class LabelRefusals(Case):
    def refused(self, data, code, *more):
        """In place and with --output: exit 3, the code, nothing written, nothing left."""
        path = self.file("a.docx", data)
        out = os.path.join(self.home, "out.docx")
        for place in ((), ("--output", out)):
            answer = self.set(path, FINANCE, *OURS, *place, *more, code=3)
            self.assertEqual(answer["path"], path)
            self.assertEqual(answer["error"]["code"], code, answer)
            self.assertTrue(answer["error"]["message"])
        out_text, err = self.ctl(3, "label", "set", path, "--label", FINANCE, *OURS)
        self.assertEqual(out_text, "")
        self.assertIn(f"({code})", err)
        self.assertEqual(read(path), data)
        self.only("a.docx")

    def sample(self, name):
        return read(os.path.join(SAMPLES, name))

    def test_signed(self):
        self.refused(self.sample("office/signed.docx"), "signed")

    def test_signed_but_allowed(self):
        path = self.file("a.docx", self.sample("office/signed.docx"))
        self.assertEqual(self.set(path, FINANCE, *OURS, "--allow-signed")["result"], "set")

    def test_encrypted(self):
        self.refused(self.sample("closed/protected.docx"), "encrypted")

    def test_damaged(self):
        self.refused(self.sample("hostile/cut.docx"), "damaged")
        self.refused(self.sample("hostile/overlap.docx"), "damaged")

    def test_formats_without_a_label_store(self):
        for name in ("text/cards.txt", "other/noise.bin", "other/dot.png", "other/bundle.zip"):
            with self.subTest(name):
                self.refused(self.sample(name), "unsupported")

    def test_legacy_office(self):
        data = make.make_compound({"streams": ["WordDocument"]}, None)
        self.refused(data, "legacy-format")

    def test_a_bomb_in_a_part_that_must_be_read(self):
        parts = dict(zip_parts(docx()))
        parts["_rels/.rels"] += b" " * (64 << 20)
        self.refused(packed(parts), "bomb")

    def test_entities_in_a_part_that_must_be_read(self):
        parts = dict(zip_parts(docx()))
        parts["_rels/.rels"] = parts["_rels/.rels"].replace(
            b"<Relationships", b'<!DOCTYPE x [<!ENTITY a "b">]><Relationships')
        self.refused(packed(parts), "xml-dtd")

    def test_an_existing_output_survives_a_refusal(self):
        path = self.file("a.docx", self.sample("office/signed.docx"))
        out = self.file("out.docx", b"older work")
        self.set(path, FINANCE, *OURS, "--output", out, code=3)
        self.assertEqual(read(out), b"older work")

    def test_busy_while_somebody_writes(self):
        path = self.file("a.docx", docx())
        data = read(path)
        with open(path, "r+b"):
            answer = self.set(path, FINANCE, *OURS, code=3)
        self.assertEqual(answer["error"]["code"], "busy")
        self.assertEqual(read(path), data)
        self.only("a.docx")
        self.assertEqual(self.set(path, FINANCE, *OURS)["result"], "set")

    def test_a_reader_keeps_nobody_waiting(self):
        path = self.file("a.docx", docx())
        data = read(path)
        with open(path, "rb") as reader:
            self.assertEqual(self.set(path, FINANCE, *OURS)["result"], "set")
            self.assertEqual(reader.read(), data)
        self.only("a.docx")

    def test_a_folder_a_device_and_nothing(self):
        for path in (self.home, "/dev/null", "gone.docx"):
            answer = self.set(path, FINANCE, *OURS, code=3)
            self.assertEqual(set(answer["error"]), {"code", "message"})

    def test_no_room_for_the_new_bytes(self):
        path = self.file("a.docx", docx())
        data = read(path)

        def no_room():
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

        for place in ((), ("--output", os.path.join(self.home, "out.docx"))):
            done = self.run_ctl("label", "set", path, "--label", FINANCE, *OURS, *place,
                                preexec_fn=no_room)
            self.assertIn(done.returncode, (2, 3), done.stderr)
            self.assertIn(b"labelctl: ", done.stderr)
            self.assertEqual(read(path), data)
            self.only("a.docx")

    def test_output_into_a_folder_that_is_not_there(self):
        path = self.file("a.docx", docx())
        answer = self.set(path, FINANCE, *OURS, "--output", "gone/out.docx", code=3)
        self.assertIn("gone/out.docx", answer["error"]["message"])
        self.only("a.docx")


# types and rules -------------------------------------------------------------------------------

USER_TYPE = """types:
  - id: staff-number
    name: Staff number
    category: custom
    find: [{ pattern: 'ZQ-[0-9]{6}' }]
    confidence: { found: high }
    examples:
      - { text: 'ZQ-123456', expect: high }
      - { text: 'ZQ-12345', expect: none }
"""


class Types(Case):
    def test_list_in_both_forms(self):
        out, _ = self.ctl(0, "types", "list")
        self.assertRegex(out, r"(?m)^us-ssn +identity +US +US Social Security number$")
        self.assertIn("\nBundles:\n", out)
        rows = self.json(0, "types", "list", "--json")
        types = [row["id"] for row in rows if "id" in row]
        self.assertGreater(len(types), 200)
        self.assertEqual(len(types), len(set(types)))
        self.assertIn("PCI", [row.get("bundle") for row in rows])

    def test_show(self):
        out, _ = self.ctl(0, "types", "show", "us-ssn", "PCI")
        self.assertIn("keywords", out)
        self.assertIn("PCI  bundle", out)
        row = self.json(0, "types", "show", "--json", "iban")[0]
        self.assertEqual((row["id"], row["category"]), ("iban", "bank"))
        _, err = self.ctl(2, "types", "show", "iban", "nonsense")
        self.assertIn('no type or bundle "nonsense"', err)

    def test_examples_pass(self):
        out, _ = self.ctl(0, "types", "test")
        self.assertRegex(out, r"^\d{3} types, \d+ examples, all pass\n$")
        row = self.json(0, "types", "test", "--json")[0]
        self.assertEqual(row["failed"], 0)
        self.assertGreater(row["examples"], 2 * row["types"] - 1)

    def test_a_type_of_ones_own(self):
        self.file("types.d/staff.yaml", USER_TYPE)
        self.file("a.txt", "our ZQ-472910 is here")
        row = self.json(0, "types", "show", "--json", "--types", "types.d", "staff-number")[0]
        self.assertNotEqual(row["origin"], "built-in")
        report = self.json(0, "inspect", "--json", "--types", "types.d", "a.txt")[0]
        self.assertEqual([(f["type"], f["count"]) for f in report["findings"]],
                         [("staff-number", 1)])
        self.assertEqual(self.json(0, "inspect", "--json", "a.txt")[0]["findings"], [])

    def test_broken_types_of_ones_own_are_told_with_their_place(self):
        for old, new, line in (("  - id: staff-number", "  - ident: staff-number", 2),
                               ("[0-9]{6}", "[0-9{6}", 5),
                               ("'ZQ-12345', expect: none", "'ZQ-654321', expect: none", 9),
                               ("category: custom", "category: nonsense", 4),
                               ("id: staff-number", "id: iban", 2),
                               ("types:", "types: [", 0)):
            with self.subTest(new):
                self.file("types.d/staff.yaml", USER_TYPE.replace(old, new))
                self.file("a.txt", "x")
                for command in (("types", "list"), ("inspect", "a.txt")):
                    out, err = self.ctl(2, *command, "--types", "types.d")
                    self.assertEqual(out, "")
                    self.assertRegex(err, rf"types\.d/staff\.yaml:{line or '[0-9]+'}:\d+: error: ")

    def test_a_folder_of_types_that_is_not_there(self):
        _, err = self.ctl(2, "types", "list", "--types", "gone.d")
        self.assertIn("gone.d", err)


class Rules(Case):
    def test_the_shipped_files_are_good(self):
        folder = os.path.join(ROOT, "samples", "rules")
        for name in sorted(os.listdir(folder)):
            if name.endswith(".yaml"):
                with self.subTest(name):
                    path = os.path.join(folder, name)
                    out, _ = self.ctl(0, "rules", "check", path)
                    self.assertRegex(out.splitlines()[-1], ": 0 errors, ")

    def test_mistakes_are_listed_with_their_place(self):
        self.file("rules.yaml", RULES + "rules:\n  - { name: x, when: { finding: { type: iban } "
                  "}, then: { label: Genral } }\n")
        out, _ = self.ctl(1, "rules", "check")
        self.assertIn('rules.yaml:9:24: error: unknown condition "finding"; '
                      'did you mean "findings"?', out)
        self.assertIn('unknown label "Genral"; did you mean "General"?', out)
        self.assertEqual(out.splitlines()[-1], "rules.yaml: 2 errors, 0 warnings")
        rows = self.json(1, "rules", "check", "--json")
        self.assertEqual(set(rows[0]), {"file", "line", "column", "severity", "code", "message",
                                        "suggestion"})
        for command in (("test",), ("explain", "rules.yaml")):
            out, err = self.ctl(2, "rules", *command)
            self.assertEqual(out, "")
            self.assertIn("rules.yaml:9:24: error", err)
        self.ctl(2, "rules", "check", "gone.yaml")

    def test_explain_as_json(self):
        self.file("rules.yaml", RULES + "rules:\n  - { name: Cards, mode: enforce, when: { "
                  "findings: { type: credit-card } }, then: { label: Confidential/Finance } }\n")
        self.file("a.docx", docx("credit card " + CARD))
        row, = self.json(0, "rules", "explain", "--json", "a.docx")
        self.assertEqual(set(row) - {"path_base64"},
                         {"path", "revision", "types_revision", "now", "due", "facts", "rules",
                          "plan", "would"})
        self.assertEqual(row["rules"][0]["state"], "matched")
        self.assertEqual(row["plan"]["label"]["to"], "Confidential/Finance")
        self.assertNotIn(CARD, json.dumps(row))
        self.ctl(3, "rules", "explain", "gone.docx")


# The frame of all commands ---------------------------------------------------------------------

OPTIONS = {
    "inspect": "json show jobs types limit", "text": "part limit", "label get": "json",
    "label set": "label site name method justification output rules allow-signed json",
    "label remove": "site justification output rules allow-signed json",
    "rules check": "rules config types json", "rules test": "rules types json",
    "rules explain": "rules types json all exposure shared-with path connection owner label "
                     "created modified shared now set-by label-change previous format",
    "types list": "json types", "types show": "json types", "types test": "json types",
    "status": "server token-file json", "items": "server token-file json",
}


class Frame(Case):
    def test_the_help_lists_every_command(self):
        out, _ = self.ctl(0, "--help")
        for name in OPTIONS:
            self.assertRegex(out, rf"(?m)^  {name} ")
        self.assertEqual(self.ctl(0, "help")[0], out)

    def test_the_help_of_each_command_lists_every_option(self):
        for name, options in OPTIONS.items():
            with self.subTest(name):
                out, err = self.ctl(0, *name.split(), "--help")
                self.assertTrue(out.startswith(f"Usage: labelctl {name} "))
                self.assertEqual(sorted(re.findall(r"(?m)^  --([a-z-]+)", out)),
                                 sorted(set(re.findall(r"(?m)^  --([a-z-]+)", out))
                                        | set(options.split()) | {"help"}))
                self.assertIn("Exit codes", out)
                self.assertEqual(err, "")

    def test_the_version(self):
        self.assertRegex(self.ctl(0, "--version")[0], r"^labelctl \d+\.\d+")

    def test_unknown_words(self):
        for arguments, words in (((), "Usage"), (("nonsense",), 'unknown command "nonsense"'),
                                 (("label",), "label set"), (("label", "read"), "label get"),
                                 (("types", "list", "--nope"), "unknown option --nope"),
                                 (("types", "list", "extra"), "usage")):
            with self.subTest(arguments):
                out, err = self.ctl(2, *arguments)
                self.assertEqual(out, "")
                self.assertIn(words, err)

    def test_options_stand_anywhere_and_two_dashes_end_them(self):
        self.file("--json", "x")
        row, = self.json(0, "inspect", "--json", "--", "--json")
        self.assertEqual(row["path"], "--json")
        self.file("a.txt", "x")
        self.assertEqual(self.json(0, "inspect", "a.txt", "--json", "--jobs=1")[0]["path"],
                         "a.txt")

    def test_limits_are_set_by_name(self):
        self.file("a.txt", "x" * 5000)
        row, = self.json(3, "inspect", "--json", "a.txt", "--limit", "fetch-bytes=2KiB")
        self.assertEqual((row["status"], row["reason"]), ("too-large", "fetch-bytes"))
        row, = self.json(0, "inspect", "--json", "a.txt", "--limit=text_bytes=1024")
        self.assertEqual((row["status"], row["text_bytes"]), ("partial", 1024))
        out, err = self.ctl(3, "text", "a.txt", "--limit", "fetch_bytes=2048")
        self.assertEqual(out, "")
        self.assertIn("over 2048 bytes", err)
        for wrong, words in (("text_bytes", "NAME=VALUE"), ("text_bits=1", 'mean "text_bytes"'),
                             ("xml_depth=2", "16 to 4096 levels"), ("xml_depth=1 KiB", "levels"),
                             ("text_bytes=many", "not a number of bytes"),
                             ("=1", "unknown limit")):
            with self.subTest(wrong):
                self.assertIn(words, self.ctl(2, "inspect", "a.txt", "--limit", wrong)[1])

    def test_no_daemon_is_four(self):
        token = self.file("token", "x" * 40)
        _, err = self.ctl(4, "status", "--server", "http://127.0.0.1:9", "--token-file", token)
        self.assertIn("127.0.0.1:9", err)

    def test_a_closed_pipe_is_no_error_of_ours(self):
        reader, writer = os.pipe()
        os.close(reader)
        done = self.run_ctl("types", "list", stdout=writer)
        os.close(writer)
        self.assertEqual(done.stderr, b"")


def main():
    global PROGRAMS, SCRATCH, SAMPLES
    PROGRAMS, SCRATCH = (os.path.abspath(path) for path in sys.argv[1:3])
    SAMPLES = os.path.join(SCRATCH, "samples")
    os.makedirs(SCRATCH, exist_ok=True)
    subprocess.run([sys.executable, os.path.join(ROOT, "samples", "make.py"), SAMPLES],
                   check=True, stdout=subprocess.DEVNULL)
    load = unittest.defaultTestLoader
    here = sys.modules[__name__]
    suite = (load.loadTestsFromNames(sys.argv[3:], here) if sys.argv[3:]
             else load.loadTestsFromModule(here))
    done = unittest.TextTestRunner(verbosity=1).run(suite)
    return 0 if done.wasSuccessful() and done.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
