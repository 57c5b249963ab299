"""Documents for the end-to-end tests, and readers of them that share nothing with labeld."""
import io
import os
import re
import struct
import sys
import zipfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "samples"))
import packages  # noqa: E402

CARD = "4539 0443 4874 3998"


def raw_entries(data):
    """name -> (bytes from its local header to the next, central record without its offset)."""
    end = data.rindex(b"PK\x05\x06")
    count, size, start = struct.unpack_from("<HII", data, end + 10)
    base = end - size - start
    at, found = base + start, []
    for _ in range(count):
        name_length, extra, comment = struct.unpack_from("<HHH", data, at + 28)
        offset = struct.unpack_from("<I", data, at + 42)[0]
        length = 46 + name_length + extra + comment
        record = data[at:at + 42] + data[at + 46:at + length]
        found.append((base + offset, data[at + 46:at + 46 + name_length].decode(), record))
        at += length
    edges = sorted(offset for offset, _, _ in found) + [base + start]
    return {name: (data[offset:edges[edges.index(offset) + 1]], record)
            for offset, name, record in found}


def properties(path):
    """The MSIP properties in docProps/custom.xml, read by other means than labeld's."""
    with zipfile.ZipFile(path) as archive:
        if "docProps/custom.xml" not in archive.namelist():
            return {}
        text = archive.read("docProps/custom.xml").decode()
    return dict(re.findall(r'name="(MSIP_Label_[^"]+)"><vt:lpwstr>([^<]*)</vt:lpwstr>', text))


class Streamed:
    """A file that cannot seek, so that zipfile writes data descriptors."""

    def __init__(self):
        self.data = bytearray()

    def write(self, data):
        self.data += data
        return len(data)

    def flush(self):
        pass


def awkward_docx():
    """Bytes in front, data descriptors, extra fields, a stored part, a comment, odd times."""
    package = packages.office({"format": "docx", "body": ["credit card " + CARD]})
    out = Streamed()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in zip_parts(package.bytes()):
            info = zipfile.ZipInfo(name, (1999, 12, 31, 23, 59, 58))
            info.compress_type = zipfile.ZIP_STORED if "media" in name else zipfile.ZIP_DEFLATED
            info.extra = struct.pack("<HHI", 0xCAFE, 4, 7)
            info.external_attr = 0o640 << 16
            archive.writestr(info, data)
        archive.writestr(zipfile.ZipInfo("word/media/blob.bin", (2001, 1, 1, 0, 0, 0)),
                         bytes(range(256)) * 40)
        archive.comment = b"kept comment"
    return bytes(out.data)


def zip_parts(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def docx(*body, **more):
    return packages.office({"format": "docx", "body": list(body) or ["a letter"],
                            **more}).bytes()


def packed(parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def read(path):
    with open(path, "rb") as file:
        return file.read()
