"""Files made to harm whoever reads them; each function gives the bytes of one."""

from __future__ import annotations

import io
import struct
import zipfile

from xlwt.CompoundDoc import XlsDoc

from tests.corpus.builders import HEADERS, LINE, MAIN, ROOT, members, row, sheet, xls_book, xlsx, xlsx_of, zipped

SHARED_CELL = '<c r="A{0}" t="s"><v>0</v></c>'


def cell_at(ref: str) -> bytes:
    """A good line, and a cell far from it: the rows and columns in between would take gigabytes, or minutes to walk."""
    far = f'<row><c r="{ref}"><v>1</v></c></row>'
    return xlsx_of(sheet([HEADERS, LINE]).replace("</sheetData>", f"{far}</sheetData>"))


def many_rows(count: int) -> bytes:
    """Many lines of short numbers, a few bytes each once compressed."""
    line = row(0, [1] * 9).replace('0"', '#"')
    rows = "".join(line.replace("#", str(number)) for number in range(2, count + 2))
    return xlsx_of(sheet([HEADERS]).replace("</sheetData>", f"{rows}</sheetData>"))


def huge_cell(size: int = 300 * 1024 * 1024) -> bytes:
    """One cell of more bytes than all members may have."""
    head, tail = sheet([HEADERS, ["@"]]).split("@")
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        parts = members({"Feuil1": ""})
        del parts["xl/worksheets/sheet1.xml"]
        for name, content in parts.items():
            archive.writestr(name, content)
        with archive.open("xl/worksheets/sheet1.xml", "w") as part:
            part.write(head.encode())
            for _ in range(size // 2**20):
                part.write(b"A" * 2**20)
            part.write(tail.encode())
    return target.getvalue()


def shared_strings() -> bytes:
    """One long shared text in 150,000 cells: 500 KB that make 4.5 GB."""
    rows = "".join(f'<row r="{n}">{SHARED_CELL.format(n)}</row>' for n in range(2, 150_000))
    shared = f'<sst xmlns="{MAIN}"><si><t>{"A" * 30_000}</t></si></sst>'
    return xlsx_of(sheet([HEADERS]).replace("</sheetData>", f"{rows}</sheetData>"), shared=shared)


def nested_tags(depth: int = 3_000_000) -> bytes:
    """Tags within tags, as deep as a recursive parser would fall."""
    return xlsx_of(f"<worksheet {ROOT}><sheetData>{'<a>' * depth}{'</a>' * depth}</sheetData></worksheet>")


def lying_sizes(real: int = 300 * 1024 * 1024) -> bytes:
    """A member that declares 10 bytes and holds 300 MiB."""
    content = bytearray(huge_cell(real))
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = content.rfind(signature)
        struct.pack_into("<I", content, at + offset, 10)
    return bytes(content)


def many_members(count: int = 2_100) -> bytes:
    """More members than any workbook has."""
    return zipped(members({"Feuil1": sheet([HEADERS, LINE])}) | {f"xl/media/{n}.png": "" for n in range(count)})


def climbing_member() -> bytes:
    """A member whose name leaves the archive."""
    return zipped(members({"Feuil1": sheet([HEADERS, LINE])}) | {"../../etc/passwd": "root"})


def twice_the_same_member() -> bytes:
    """Two sheets of one name: each reader may take another."""
    content = zipped(members({"Feuil1": sheet([HEADERS, LINE]), "Feuil2": sheet([HEADERS])}))
    return content.replace(b"xl/worksheets/sheet2.xml", b"xl/worksheets/sheet1.xml")


def wrong_checksum() -> bytes:
    """A member whose content is not the one its checksum was made of."""
    content = bytearray(zipped(members({"Feuil1": sheet([HEADERS, LINE])}), zipfile.ZIP_STORED))
    at = content.find(b"DUPONT")
    content[at : at + 6] = b"DURAND"
    return bytes(content)


def encrypted_member() -> bytes:
    """An archive whose members say that they are encrypted."""
    content = bytearray(xlsx(HEADERS, LINE))
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = content.find(signature)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(signature, at + 4)
    return bytes(content)


def with_part(name: str, content: str = "x") -> bytes:
    """A good workbook with one more part."""
    return zipped(members({"Feuil1": sheet([HEADERS, LINE])}) | {name: content})


def external_entity() -> bytes:
    """XXE: the first name would be the content of a file of this machine."""
    doctype = '<!DOCTYPE worksheet [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    return xlsx_of(doctype + sheet([HEADERS, [*LINE[:5], "@", *LINE[6:]]]).replace("@", "&x;"))


def billion_laughs() -> bytes:
    """Entities of entities, 10⁹ words once replaced."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    doctype = f'<!DOCTYPE worksheet [<!ENTITY e0 "lol">{entities}]>'
    return xlsx_of(doctype + sheet([HEADERS, [*LINE[:5], "@", *LINE[6:]]]).replace("@", "&e9;"))


def shared_string_out_of_range() -> bytes:
    """A cell that points at a shared text that is not there."""
    return xlsx_of(sheet([HEADERS]).replace("</sheetData>", f'<row r="2">{SHARED_CELL.format(2)}</row></sheetData>'))


def ole(stream: bytes, name: str = "Workbook") -> bytes:
    """An OLE container with one stream of this name."""
    target = io.BytesIO()
    XlsDoc().save(target, stream)
    old = "Workbook".encode("utf-16-le")
    entry = name.encode("utf-16-le")
    content = bytearray(target.getvalue())
    at = content.find(old + b"\0\0")
    content[at : at + 64] = entry.ljust(64, b"\0")
    struct.pack_into("<H", content, at + 64, len(entry) + 2)
    return bytes(content)


def encrypted_xlsx() -> bytes:
    """What Excel makes of an .xlsx with a password to open it: an OLE container."""
    return ole(b"\x01" * 8192, "EncryptedPackage")


def encrypted_xls() -> bytes:
    """An .xls whose second record says that the rest is encrypted (RC4)."""
    stream = xls_book([HEADERS, LINE]).get_biff_data()
    first = 4 + struct.unpack_from("<H", stream, 2)[0]
    password = struct.pack("<HHHHH", 0x2F, 54, 1, 1, 1) + b"\x07" * 48
    return ole(stream[:first] + password + stream[first:])


def xls_with_endless_sectors() -> bytes:
    """An .xls whose table of sectors points at itself."""
    content = bytearray(ole(xls_book([HEADERS, LINE]).get_biff_data()))
    at = (struct.unpack_from("<I", content, 76)[0] + 1) * 512
    struct.pack_into("<128I", content, at, *range(128))
    return bytes(content)


def xls_with_supbook(path: bytes) -> bytes:
    """An .xls that refers to another document (path begins with \\x01) or to a DDE source (application \\x03 topic)."""
    stream = xls_book([HEADERS, LINE]).get_biff_data()
    first = 4 + struct.unpack_from("<H", stream, 2)[0]
    record = struct.pack("<HHHHB", 0x01AE, 5 + len(path), 0, len(path), 0) + path
    return ole(stream[:first] + record + stream[first:])


def web_page() -> bytes:
    """What many programs name .xls."""
    return b"<html><table><tr><td>Ref</td></tr></table></html>"


def csv() -> bytes:
    """Text, under a name that says otherwise."""
    return ";".join(HEADERS).encode()
