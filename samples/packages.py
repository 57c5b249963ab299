"""Office packages written part by part, small and plain, as the descriptions ask for."""
import io
import struct
import zipfile
from xml.sax.saxutils import escape

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SLIDE = "http://schemas.openxmlformats.org/presentationml/2006/main"
DRAW = "http://schemas.openxmlformats.org/drawingml/2006/main"
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE_REL = "http://schemas.openxmlformats.org/package/2006/relationships"
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
STRICT = {
    WORD: "http://purl.oclc.org/ooxml/wordprocessingml/main",
    SHEET: "http://purl.oclc.org/ooxml/spreadsheetml/main",
    SLIDE: "http://purl.oclc.org/ooxml/presentationml/main",
    REL: "http://purl.oclc.org/ooxml/officeDocument/relationships",
}
PROLOG = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN_TYPES = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    "dotx": "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml",
    "docm": "application/vnd.ms-word.document.macroEnabled.main+xml",
    "dotm": "application/vnd.ms-word.template.macroEnabledTemplate.main+xml",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
    "xltx": "application/vnd.openxmlformats-officedocument.spreadsheetml.template.main+xml",
    "xlsm": "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
    "xltm": "application/vnd.ms-excel.template.macroEnabled.main+xml",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
    "ppsx": "application/vnd.openxmlformats-officedocument.presentationml.slideshow.main+xml",
    "potx": "application/vnd.openxmlformats-officedocument.presentationml.template.main+xml",
    "pptm": "application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml",
    "potm": "application/vnd.ms-powerpoint.template.macroEnabled.main+xml",
    "ppsm": "application/vnd.ms-powerpoint.slideshow.macroEnabled.main+xml",
    "xlsb": "application/vnd.ms-excel.sheet.binary.macroEnabled.main",
    "vsdx": "application/vnd.ms-visio.drawing.main+xml",
    "vsdm": "application/vnd.ms-visio.drawing.macroEnabled.main+xml",
}
PART_TYPES = {
    "header": "wordprocessingml.header", "footer": "wordprocessingml.footer",
    "footnotes": "wordprocessingml.footnotes", "comments": "wordprocessingml.comments",
    "worksheet": "spreadsheetml.worksheet", "sharedStrings": "spreadsheetml.sharedStrings",
    "styles": "spreadsheetml.styles", "slide": "presentationml.slide",
    "notesSlide": "presentationml.notesSlide",
}


class Package:
    """Parts with their content types and relationships."""

    def __init__(self, strict=False):
        self.strict = strict
        self.parts, self.types, self.rels = {}, {}, {}

    def add(self, path, text, content_type=None, source="", relation=None):
        """A part; related from `source` (a part's path, "" = the package) by `relation`."""
        if isinstance(text, str):
            if self.strict:
                for transitional, strict in STRICT.items():
                    text = text.replace(transitional, strict)
            text = (PROLOG + text).encode()
        self.parts[path] = text
        if content_type:
            self.types[path] = content_type
        return self.relate(source, relation, path) if relation else None

    def relate(self, source, relation, target, external=False):
        rows = self.rels.setdefault(source, [])
        if "/" in relation and ":" in relation:
            kind = relation
        else:
            kind = f"{STRICT[REL] if self.strict else REL}/{relation}"
        rows.append((f"rId{len(rows) + 1}", kind, target, external))
        return rows[-1][0]

    def bytes(self, stored=()):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            self._write(archive, "[Content_Types].xml", self._types())
            for source in sorted(self.rels):
                folder, _, name = source.rpartition("/")
                path = f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"
                self._write(archive, path, self._rels(source))
            for path, data in self.parts.items():
                self._write(archive, path, data, path in stored)
        return out.getvalue()

    @staticmethod
    def _write(archive, path, data, stored=False):
        info = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
        archive.writestr(info, data)

    def _types(self):
        rows = ['<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
                'relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>']
        rows += [f'<Override PartName="/{path}" ContentType="{kind}"/>'
                 for path, kind in self.types.items()]
        return (PROLOG + f'<Types xmlns="{TYPES}">' + "".join(rows) + "</Types>").encode()

    def _rels(self, source):
        depth = source.count("/")
        rows = []
        for number, kind, target, external in self.rels[source]:
            shown = target if external else "../" * depth + target
            mode = ' TargetMode="External"' if external else ""
            rows.append(f'<Relationship Id="{number}" Type="{kind}" Target="{escape(shown)}"{mode}/>')
        return (PROLOG + f'<Relationships xmlns="{PACKAGE_REL}">' + "".join(rows)
                + "</Relationships>").encode()


def office_type(kind):
    return f"application/vnd.openxmlformats-officedocument.{PART_TYPES[kind]}+xml"


def core_properties(package, title):
    package.add(
        "docProps/core.xml",
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/'
        'core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{escape(title)}</dc:title></cp:coreProperties>",
        "application/vnd.openxmlformats-package.core-properties+xml", "",
        "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties")


# Word -----------------------------------------------------------------------------------------

def run(text, style=""):
    properties = f"<w:rPr>{style}</w:rPr>" if style else ""
    return f'<w:r>{properties}<w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def paragraph(item):
    """A text; or {"pieces"} (many runs), {"deleted"}, {"hidden"}, {"table"}."""
    if isinstance(item, str):
        return f"<w:p>{run(item)}</w:p>"
    if "pieces" in item: # a run for every three characters
        text = item["pieces"]
        return "<w:p>" + "".join(run(text[i:i + 3]) for i in range(0, len(text), 3)) + "</w:p>"
    if "deleted" in item:
        return ('<w:p><w:del w:id="1" w:author="x"><w:r><w:delText>'
                f'{escape(item["deleted"])}</w:delText></w:r></w:del></w:p>')
    if "hidden" in item:
        return f'<w:p>{run(item["hidden"], "<w:vanish/>")}</w:p>'
    rows = "".join(
        "<w:tr>" + "".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) + "</w:tr>"
        for row in item["table"])
    return f"<w:tbl>{rows}</w:tbl>"


def word(described):
    package = Package(described.get("strict", False))
    body = "".join(paragraph(item) for item in described["body"])
    main = "word/document.xml"
    package.add(main, f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>',
                MAIN_TYPES[described["format"]], "", "officeDocument")
    for kind, tag in (("header", "hdr"), ("footer", "ftr")):
        if kind in described:
            package.add(f"word/{kind}1.xml",
                        f'<w:{tag} xmlns:w="{WORD}">{paragraph(described[kind])}</w:{tag}>',
                        office_type(kind), main, kind)
    for kind, tag in (("footnotes", "footnote"), ("comments", "comment")):
        if kind in described:
            notes = "".join(f'<w:{tag} w:id="{number}">{paragraph(text)}</w:{tag}>'
                            for number, text in enumerate(described[kind], 1))
            package.add(f"word/{kind}.xml", f'<w:{kind} xmlns:w="{WORD}">{notes}</w:{kind}>',
                        office_type(kind), main, kind)
    if "link" in described:
        package.relate(main, "hyperlink", described["link"], external=True)
    return package, main


# Excel ----------------------------------------------------------------------------------------

def column(index):
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name


def cell(value, place, strings):
    """A text is shared, {"inline": …} stands in the cell, a number is a number,
    {"date": serial} is a number with a date's format."""
    if isinstance(value, dict) and "inline" in value:
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value["inline"])}</t></is></c>'
    if isinstance(value, dict):
        return f'<c r="{place}" s="1"><v>{value["date"]}</v></c>'
    if isinstance(value, (int, float)):
        return f'<c r="{place}"><v>{value}</v></c>'
    if value not in strings:
        strings.append(value)
    return f'<c r="{place}" t="s"><v>{strings.index(value)}</v></c>'


def sheet(described):
    package = Package(described.get("strict", False))
    main = "xl/workbook.xml"
    strings, entries = [], ""
    package.add(main, "", MAIN_TYPES[described["format"]], "", "officeDocument")
    for number, one in enumerate(described["sheets"], 1):
        rows = ""
        for row_number, row in enumerate(one["rows"], 1):
            cells = "".join(cell(value, f"{column(index)}{row_number}", strings)
                            for index, value in enumerate(row) if value is not None)
            rows += f'<row r="{row_number}">{cells}</row>'
        path = f"xl/worksheets/sheet{number}.xml"
        relation = package.add(
            path, f'<worksheet xmlns="{SHEET}"><sheetData>{rows}</sheetData></worksheet>',
            office_type("worksheet"), main, "worksheet")
        state = ' state="hidden"' if one.get("hidden") else ""
        entries += (f'<sheet name="{escape(one["name"])}" sheetId="{number}"{state} '
                    f'r:id="{relation}"/>')
    items = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in strings)
    package.add("xl/sharedStrings.xml", f'<sst xmlns="{SHEET}">{items}</sst>',
                office_type("sharedStrings"), main, "sharedStrings")
    package.add("xl/styles.xml", f'<styleSheet xmlns="{SHEET}"><cellXfs count="2">'
                '<xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
                office_type("styles"), main, "styles")
    package.add(main, f'<workbook xmlns="{SHEET}" xmlns:r="{REL}"><sheets>{entries}</sheets>'
                "</workbook>", MAIN_TYPES[described["format"]])
    return package, main


# PowerPoint -----------------------------------------------------------------------------------

def slide_xml(tag, texts):
    shapes = "".join(f"<p:sp><p:txBody><a:p><a:r><a:t>{escape(text)}</a:t></a:r></a:p></p:txBody>"
                     "</p:sp>" for text in texts)
    return (f'<p:{tag} xmlns:p="{SLIDE}" xmlns:a="{DRAW}"><p:cSld><p:spTree>{shapes}</p:spTree>'
            f"</p:cSld></p:{tag}>")


def slides(described):
    package = Package(described.get("strict", False))
    main = "ppt/presentation.xml"
    package.add(main, "", MAIN_TYPES[described["format"]], "", "officeDocument")
    entries = ""
    for number, one in enumerate(described["slides"], 1):
        path = f"ppt/slides/slide{number}.xml"
        relation = package.add(path, slide_xml("sld", one["texts"]), office_type("slide"), main,
                               "slide")
        entries += f'<p:sldId id="{255 + number}" r:id="{relation}"/>'
        if "notes" in one:
            package.add(f"ppt/notesSlides/notesSlide{number}.xml",
                        slide_xml("notes", [one["notes"]]), office_type("notesSlide"), path,
                        "notesSlide")
    package.add(main, f'<p:presentation xmlns:p="{SLIDE}" xmlns:r="{REL}"><p:sldIdLst>{entries}'
                "</p:sldIdLst></p:presentation>", MAIN_TYPES[described["format"]])
    return package, main


# Binary workbooks ([MS-XLSB]) -----------------------------------------------------------------

def record(number, data=b""):
    """The number in one or two bytes, the length in one to four: seven bits each (2.1.4)."""
    head = bytes([number]) if number < 128 else bytes([number & 0x7F | 0x80, number >> 7])
    length = len(data)
    while True:
        head += bytes([length & 0x7F | (0x80 if length > 0x7F else 0)])
        length >>= 7
        if not length:
            return head + data


def wide(text):
    units = text.encode("utf-16-le")
    return struct.pack("<I", len(units) // 2) + units


def binary_cell(index, value, strings):
    """BrtCellReal, BrtCellSt (a text of its own) or BrtCellIsst (a shared one)."""
    dated = isinstance(value, dict) and "date" in value
    place = struct.pack("<II", index, 1 if dated else 0)
    if isinstance(value, dict) and "inline" in value:
        return record(6, place + wide(value["inline"]))
    if dated or isinstance(value, (int, float)):
        return record(5, place + struct.pack("<d", value["date"] if dated else value))
    if value not in strings:
        strings.append(value)
    return record(7, place + struct.pack("<I", strings.index(value)))


def binary_rows(rows, strings):
    data = record(145)
    for number, row in enumerate(rows):
        data += record(0, struct.pack("<I", number))
        data += b"".join(binary_cell(index, value, strings)
                         for index, value in enumerate(row) if value is not None)
    return data + record(146)


def binary_sheet(described):
    package = Package()
    main = "xl/workbook.bin"
    strings, entries = [], b""
    package.add(main, b"", MAIN_TYPES["xlsb"], "", "officeDocument")
    for number, one in enumerate(described["sheets"], 1):
        relation = package.add(f"xl/worksheets/sheet{number}.bin",
                               binary_rows(one["rows"], strings),
                               "application/vnd.ms-excel.worksheet", main, "worksheet")
        entries += record(156, struct.pack("<II", 1 if one.get("hidden") else 0, number)
                          + wide(relation) + wide(one["name"]))
    package.add("xl/sharedStrings.bin", b"".join(record(19, b"\0" + wide(text))
                                                 for text in strings),
                "application/vnd.ms-excel.sharedStrings", main, "sharedStrings")
    styles = record(617) + record(47, struct.pack("<HH", 0, 0)) \
        + record(47, struct.pack("<HH", 0, 14)) + record(618)
    package.add("xl/styles.bin", styles, "application/vnd.ms-excel.styles", main, "styles")
    package.add(main, record(153, bytes(4)) + entries, MAIN_TYPES["xlsb"])
    return package, main


# Visio ----------------------------------------------------------------------------------------

def drawing(described):
    package = Package()
    main, list_path = "visio/document.xml", "visio/pages/pages.xml"
    visio = "http://schemas.microsoft.com/visio/2010/relationships"
    space = "http://schemas.microsoft.com/office/visio/2012/main"
    package.add(main, f'<VisioDocument xmlns="{space}"/>', MAIN_TYPES[described["format"]], "",
                f"{visio}/document")
    package.add(list_path, "", "application/vnd.ms-visio.pages+xml", main, f"{visio}/pages")
    entries = ""
    for number, one in enumerate(described["pages"], 1):
        shapes = "".join(f'<Shape ID="{index}" Type="Shape"><Text>{escape(text)}</Text></Shape>'
                         for index, text in enumerate(one["texts"], 1))
        relation = package.add(f"visio/pages/page{number}.xml",
                               f'<PageContents xmlns="{space}"><Shapes>{shapes}</Shapes>'
                               "</PageContents>", "application/vnd.ms-visio.page+xml", list_path,
                               f"{visio}/page")
        entries += (f'<Page ID="{number - 1}" Name="{escape(one["name"])}">'
                    f'<Rel r:id="{relation}"/></Page>')
    package.add(list_path, f'<Pages xmlns="{space}" xmlns:r="{REL}">{entries}</Pages>',
                "application/vnd.ms-visio.pages+xml")
    return package, main


# Labels and extras ----------------------------------------------------------------------------

def label_properties(package, label):
    rows, pairs = "", [("Enabled", "true"), ("SetDate", "2026-03-01T09:30:00Z"),
                       ("Method", label.get("method", "Standard")), ("Name", label["name"]),
                       ("SiteId", label["site"]),
                       ("ActionId", "0f0e0d0c-0b0a-4908-8706-050403020100"), ("ContentBits", "0")]
    for number, (key, value) in enumerate(pairs, 2):
        rows += (f'<property fmtid="{{D5CDD505-2E9C-101B-9397-08002B2CF9AE}}" pid="{number}" '
                 f'name="MSIP_Label_{label["id"]}_{key}"><vt:lpwstr>{escape(value)}</vt:lpwstr>'
                 "</property>")
    package.add("docProps/custom.xml",
                '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-'
                'properties" xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/'
                f'docPropsVTypes">{rows}</Properties>',
                "application/vnd.openxmlformats-officedocument.custom-properties+xml", "",
                "custom-properties")


def label_info(package, info):
    if info.get("removed"):
        row = (f'<clbl:label id="{{{info["site"]}}}" enabled="0" method="" '
               f'siteId="{{{info["site"]}}}" removed="1" />')
    else:
        row = (f'<clbl:label id="{{{info["id"]}}}" enabled="1" method="Standard" '
               f'siteId="{{{info["site"]}}}" contentBits="0" removed="0" />')
    text = ('<?xml version="1.0" encoding="utf-8" standalone="yes"?><clbl:labelList xmlns:clbl='
            '"http://schemas.microsoft.com/office/2020/mipLabelMetadata">' + row
            + "</clbl:labelList>")
    package.add("docMetadata/LabelInfo.xml", text.encode(),
                "application/vnd.ms-office.classificationlabels+xml", "",
                "http://schemas.microsoft.com/office/2020/02/relationships/classificationlabels")


def office(described):
    makers = {"doc": word, "dot": word, "xls": sheet, "xlt": sheet, "ppt": slides, "pps": slides,
              "pot": slides, "vsd": drawing}
    make = binary_sheet if described["format"] == "xlsb" else makers[described["format"][:3]]
    package, main = make(described)
    core_properties(package, described.get("title", "Sample"))
    if "label" in described:
        label_properties(package, described["label"])
    if "label_info" in described:
        label_info(package, described["label_info"])
    if described.get("signed"):
        package.add("_xmlsignatures/origin.sigs", b"",
                    "application/vnd.openxmlformats-package.digital-signature-origin", "",
                    "http://schemas.openxmlformats.org/package/2006/relationships/"
                    "digital-signature/origin")
    if described.get("macros"):
        package.add("word/vbaProject.bin", b"\xd0\xcf\x11\xe0 not a project",
                    "application/vnd.ms-office.vbaProject", main,
                    "http://schemas.microsoft.com/office/2006/relationships/vbaProject")
    if "embedded" in described:
        package.add("word/embeddings/book.xlsx", office(described["embedded"]).bytes(),
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", main,
                    "package")
    return package
