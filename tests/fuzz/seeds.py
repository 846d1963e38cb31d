"""Valid files of every format that digitd decodes, small, and of as many kinds as its decoders have branches."""

import struct
import zlib

import cv2
import numpy as np

from e2e import scans
from fuzz.pictures import ALPHA, BITS, COLOUR, PAGE, SIDE, Samples, wide
from fuzz.tiffs import tiffs

ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Where each pass of an interlaced PNG begins (x, y), and its steps."""


def seeds(form: str) -> list[bytes]:
    """The valid files of a format."""
    return FORMATS[form]()


def _animated(ending: str) -> bytes:
    animation = cv2.Animation()
    animation.frames, animation.durations = [ALPHA, np.ascontiguousarray(ALPHA[::-1])], [50, 50]
    done, data = cv2.imencodeanimation(ending, animation)
    assert done
    return data.tobytes()


def _png(bits: int, colours: int, lines: Samples | bytes, *more: bytes, interlaced: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", SIDE, SIDE, bits, colours, 0, 0, interlaced)
    pixels = lines if isinstance(lines, bytes) else _lines(lines)
    parts = scans.chunk(b"IHDR", header), *more, scans.chunk(b"IDAT", zlib.compress(pixels)), scans.chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _lines(rows: Samples) -> bytes:
    return b"".join(b"\x00" + row.tobytes() for row in rows)


def _pngs() -> list[bytes]:
    gray = scans.encode(PAGE)
    turned = scans.chunk(b"eXIf", scans.exif(6)) + scans.chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"made by code"))
    palette = scans.chunk(b"PLTE", bytes(range(48))) + scans.chunk(b"tRNS", bytes(range(16)))
    passes = b"".join(_lines(PAGE[top::down, left::right]) for left, top, right, down in ADAM7)
    gamma = scans.chunk(b"gAMA", struct.pack(">I", 45455))
    return [
        *map(scans.encode, (PAGE, COLOUR, ALPHA, wide(PAGE), wide(ALPHA))),
        gray[:33] + turned + gray[33:],
        _png(1, 0, BITS),
        _png(4, 3, PAGE[:, ::2] & 0xF0 | PAGE[:, 1::2] >> 4, palette),
        _png(8, 0, passes, interlaced=1),
        _png(8, 4, np.dstack([PAGE, PAGE]), gamma),
        _animated(".png"),
    ]


def _deep() -> list[bytes]:
    return [
        scans.encode(wide(COLOUR)),
        scans.encode(wide(ALPHA)),
        scans.encode(wide(ALPHA) // 16, ".png", cv2.IMWRITE_PNG_FILTER, 128),
        _png(16, 4, np.dstack([wide(PAGE), wide(PAGE)]).astype(">u2")),
    ]


def _jpegs() -> list[bytes]:
    plain, block = scans.encode(COLOUR, ".jpg"), b"Exif\x00\x00" + scans.exif(8)
    return [
        scans.encode(PAGE, ".jpg"),
        plain,
        scans.encode(COLOUR, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        scans.encode(COLOUR, ".jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, 2, cv2.IMWRITE_JPEG_OPTIMIZE, 1),
        scans.encode(COLOUR, ".jpg", cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
        plain[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + plain[2:],
    ]


def _bmp(bits: int, pixels: bytes, compression: int = 0, palette: bytes = b"", height: int = SIDE) -> bytes:
    masks = bytes(4) + struct.pack("<III", 0xF800, 0x7E0, 0x1F) if compression == 3 else b""
    sizes = (40, SIDE, height, 1, bits, compression, len(pixels), 1, 1, len(palette) // 4, 0)
    header = struct.pack("<IiiHHIIiiII", *sizes)[: 36 if masks else 40] + masks + palette
    return b"BM" + struct.pack("<IHHI", 14 + len(header + pixels), 0, 0, 14 + len(header)) + header + pixels


def _bmps() -> list[bytes]:
    grays = bytes(value for level in range(256) for value in (level, level, level, 0))
    runs = b"".join(bytes((SIDE, row * 9, 0, 0)) for row in range(SIDE))
    core = struct.pack("<IHHHH", 12, SIDE, SIDE, 1, 24) + COLOUR.tobytes()
    return [
        *(scans.encode(image, ".bmp") for image in (PAGE, COLOUR, ALPHA)),
        _bmp(8, runs + b"\x00\x01", 1, grays),
        _bmp(4, runs + b"\x00\x02\x01\x01\x00\x01", 2, grays[:64]),
        _bmp(1, np.pad(BITS, ((0, 0), (0, 1))).tobytes(), 0, grays[:4] + grays[-4:]),
        _bmp(4, bytes(SIDE * SIDE // 2), 0, grays[:64]),
        _bmp(16, wide(PAGE).tobytes()),
        _bmp(16, wide(PAGE).tobytes(), 3),
        _bmp(24, COLOUR.tobytes(), height=-SIDE),
        b"BM" + struct.pack("<IHHI", 14 + len(core), 0, 0, 26) + core,
    ]


def _webps() -> list[bytes]:
    lossy, size, block = scans.encode(COLOUR, ".webp"), struct.pack("<I", SIDE - 1)[:3], scans.exif(6)
    turned = b"WEBPVP8X" + struct.pack("<IB3x", 10, 8) + size + size + lossy[12:]
    turned += b"EXIF" + struct.pack("<I", len(block)) + block
    qualities = [(image, quality) for image in (COLOUR, ALPHA) for quality in (80, 101)]
    return [
        *(scans.encode(image, ".webp", cv2.IMWRITE_WEBP_QUALITY, quality) for image, quality in qualities),
        b"RIFF" + struct.pack("<I", len(turned)) + turned,
        _animated(".webp"),
    ]


def _pnms() -> list[bytes]:
    kinds = [(kind, binary) for kind in ((PAGE, ".pbm"), (PAGE, ".pgm"), (COLOUR, ".ppm")) for binary in (0, 1)]
    return [
        *(scans.encode(*kind, cv2.IMWRITE_PXM_BINARY, binary) for kind, binary in kinds),
        scans.encode(wide(PAGE), ".pgm"),
        b"P5\n# a\n# b\n%d %d\n15\n" % PAGE.shape + (PAGE >> 4).tobytes(),
    ]


def _pdf(resources: bytes, drawing: bytes, shown: bytes) -> bytes:
    sheet = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 48 48]/Contents 4 0 R/Resources<<%s>>>>" % resources
    pages = b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
    return scans.pdf_of([*pages, sheet, drawing, shown])


def _picture(bits: int, coding: bytes, body: bytes, coded: bytes = b"") -> bytes:
    draw = b"q 48 0 0 48 0 0 cm /I Do Q 1 0 0 RG 5 w 3 3 m 40 40 l S"
    kind = b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent %d/ColorSpace/DeviceGray/Filter%s"
    drawing = scans.stream(coded, zlib.compress(draw) if coded else draw)
    return _pdf(b"/XObject<</I 5 0 R>>", drawing, scans.stream(kind % (SIDE, SIDE, bits, coding), body))


def _pdfs() -> list[bytes]:
    fax = b"/CCITTFaxDecode/DecodeParms<</K -1/Columns %d/Rows %d>>" % (SIDE, SIDE)
    letters = b"BT /F 20 Tf 5 10 Td (47) Tj ET BI /W 2 /H 2 /BPC 8 /CS /G ID \0\xff\xff\0 EI /P sh"
    shade = b"/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>/Shading<</P 5 0 R>>"
    ramp = b"/Function<</FunctionType 2/Domain[0 1]/C0[0]/C1[1]/N 1>>"
    return [
        scans.pdf(PAGE),
        scans.encrypted_pdf(),
        _picture(8, b"/FlateDecode", zlib.compress(PAGE.tobytes())),
        _picture(1, fax, BITS.tobytes()),
        _picture(1, b"[/ASCIIHexDecode]", BITS.tobytes().hex().encode() + b">", b"/Filter/FlateDecode"),
        _pdf(shade, scans.stream(b"", letters), b"<</ShadingType 2/ColorSpace/DeviceGray/Coords[0 0 9 9]%s>>" % ramp),
    ]


FORMATS = {
    "png": _pngs, "deep png": _deep, "jpeg": _jpegs, "tiff": tiffs,
    "bmp": _bmps, "webp": _webps, "pnm": _pnms, "pdf": _pdfs,
}  # fmt: skip
"""One target each. A deep PNG is read by digitd itself, strip by strip; the rest of PNG is not."""
