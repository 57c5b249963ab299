#!/usr/bin/env python3
"""Make the sample files from descriptions.json: python3 samples/make.py [FOLDER]

Each description names a file, says in plain words what it is for, what goes into it and what
labeld must find (the file's .expect). Texts may hold {card}, {iban}, {ssn}, ...: made-up numbers
with right check digits from numbers_made.py, the same in each run."""
import json
import os
import random
import re
import struct
import sys
import zipfile
import zlib

import numbers_made as numbers
import packages

HERE = os.path.dirname(os.path.abspath(__file__))


def fill(value, rng):
    """Put made-up numbers in place of {names}, everywhere in a description."""
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}",
                      lambda match: numbers.MAKERS[match.group(1)](rng)
                      if match.group(1) in numbers.MAKERS else match.group(0), value)
    if isinstance(value, list):
        return [fill(item, rng) for item in value]
    if isinstance(value, dict):
        if set(value) == {"number"}:
            return int(fill(value["number"], rng).replace(" ", ""))
        return {key: fill(item, rng) for key, item in value.items()}
    return value


def make_text(described, _rng):
    text = described["text"]
    if isinstance(text, list):
        text = "\n".join(text) + "\n"
    marks = {"utf-16le-bom": b"\xff\xfe", "utf-16be-bom": b"\xfe\xff",
             "utf-32le-bom": b"\xff\xfe\x00\x00", "utf-8-bom": b"\xef\xbb\xbf"}
    encoding = described.get("encoding", "utf-8")
    return marks.get(encoding, b"") + text.encode(encoding.replace("-bom", ""))


def make_office(described, _rng):
    return packages.office(described).bytes()


def make_hex(described, _rng):
    return bytes.fromhex(described["hex"]) + b"\x00" * described.get("zeros", 0)


# Hostile packages -----------------------------------------------------------------------------

def entries(data):
    """(name, local offset, central offset) of each entry."""
    end = data.rindex(b"PK\x05\x06")
    count, _, at = struct.unpack_from("<HII", data, end + 10)
    for _ in range(count):
        name_length, extra, comment = struct.unpack_from("<HHH", data, at + 28)
        offset = struct.unpack_from("<I", data, at + 42)[0]
        yield data[at + 46:at + 46 + name_length].decode(), offset, at
        at += 46 + name_length + extra + comment


def make_bomb(described, rng):
    package = packages.office(described)
    package.parts["word/media/zeros.xml"] = b"<a>" + b" " * (described["mib"] << 20) + b"</a>"
    return package.bytes()


def make_overlap(described, rng):
    """The second central record points into the first entry."""
    data = bytearray(packages.office(described).bytes())
    found = list(entries(bytes(data)))
    struct.pack_into("<I", data, found[-1][2] + 42, found[-2][1])
    return bytes(data)


def make_cut(described, rng):
    data = packages.office(described).bytes()
    return data[:len(data) * 2 // 3]


def make_bad_crc(described, rng):
    """One bit of the main part is flipped; it is stored, so only the CRC tells."""
    data = bytearray(packages.office(described).bytes(stored=("word/document.xml",)))
    offset = next(local for name, local, _ in entries(bytes(data)) if name == "word/document.xml")
    data[offset + 30 + len("word/document.xml") + 200] ^= 1
    return bytes(data)


def make_dtd(described, rng):
    package = packages.office(described)
    part = package.parts["word/document.xml"].decode()
    package.parts["word/document.xml"] = part.replace(
        "<w:document", '<!DOCTYPE x [<!ENTITY a "boom"><!ENTITY b "&a;&a;&a;">]><w:document'
    ).encode()
    return package.bytes()


def make_deep(described, rng):
    package = packages.office(described)
    depth = described["depth"]
    part = package.parts["word/document.xml"].decode()
    package.parts["word/document.xml"] = part.replace(
        "<w:body>", "<w:body>" + "<w:sdt>" * depth).replace(
        "</w:body>", "</w:sdt>" * depth + "</w:body>").encode()
    return package.bytes()


def make_encrypted_zip(described, rng):
    """A zip whose one member carries the flag of traditional encryption."""
    data = zlib.compress(b"secret")[2:-4]
    name = b"secret.txt"
    head = struct.pack("<HHHHHIIIHH", 20, 1, 8, 0, 33, zlib.crc32(b"secret"), len(data) + 12,
                       6, len(name), 0)
    body = b"PK\x03\x04" + head + name + b"\x5a" * 12 + data
    central = (b"PK\x01\x02" + struct.pack("<H", 20) + head[:26]
               + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name)
    return body + central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central),
                                                        len(body), 0)


def make_zip(described, rng):
    import io
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in described["members"].items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
    return out.getvalue()


def make_compound(described, rng):
    """A minimal compound file (MS-CFB): header, one FAT sector, one folder sector."""
    header = bytearray(512)
    header[:8] = bytes.fromhex("d0cf11e0a1b11ae1")
    struct.pack_into("<HHHHH", header, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<IIIIIIIIII", header, 40, 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0)
    for index in range(1, 109):
        struct.pack_into("<I", header, 76 + 4 * index, 0xFFFFFFFF)
    fat = struct.pack("<II", 0xFFFFFFFD, 0xFFFFFFFE) + b"\xff" * (512 - 8)
    folder = b""
    names = ["Root Entry"] + described["streams"]
    for index, name in enumerate(names):
        entry = bytearray(128)
        raw = name.encode("utf-16le")
        entry[:len(raw)] = raw
        struct.pack_into("<H", entry, 64, len(raw) + 2)
        entry[66] = 5 if index == 0 else 2
        entry[67] = 1
        right = index + 1 if 0 < index < len(names) - 1 else 0xFFFFFFFF
        child = 1 if index == 0 and len(names) > 1 else 0xFFFFFFFF
        struct.pack_into("<III", entry, 68, 0xFFFFFFFF, right, child)
        struct.pack_into("<I", entry, 116, 0xFFFFFFFE)
        folder += bytes(entry)
    return bytes(header) + fat + folder.ljust(512, b"\x00")


MAKERS = {name[5:]: value for name, value in globals().items() if name.startswith("make_")}


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def main():
    target = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "files")
    with open(os.path.join(HERE, "descriptions.json"), encoding="utf-8") as file:
        described = json.load(file)
    for one in described:
        rng = random.Random("labeld " + one["file"])
        data = MAKERS[one.get("make", "text")](fill(one, rng), rng)
        write(os.path.join(target, one["file"]), data)
        expect = json.dumps(one["expect"], indent=1, sort_keys=True) + "\n"
        write(os.path.join(target, one["file"] + ".expect"), expect.encode())
    print(f"{len(described)} samples in {target}")


if __name__ == "__main__":
    main()
