"""decode: pages of every format, and every way a file can be wrong."""

import struct
import zlib
from collections.abc import Callable
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitd.errors import (
    DamagedScanError,
    EmptyScanError,
    EncryptedScanError,
    NotAnImageError,
    ScanError,
    TooManyBytesError,
    TooManyPagesError,
    TooManyPixelsError,
    TruncatedScanError,
)
from digitd.imaging import pnm
from digitd.imaging.decode import Limits, oriented, pages, sheets
from digitd.imaging.gray import Gray, as_gray
from e2e import scans

Reader = Callable[..., list[Gray]]

LOSSLESS = [".png", ".bmp", ".tiff", ".pgm"]
FORMATS = [*LOSSLESS, ".jpg", ".webp", ".ppm", ".pbm"]


@pytest.fixture
def page(draw: SimpleNamespace) -> Gray:
    """A page that no turning or mirroring maps onto itself."""
    return as_gray(draw.stroke(draw.digit("7", 90)[:70], "1", (5, 5, 9, 20), 3, 90))


def sample(craft: SimpleNamespace, page: Gray, ending: str) -> bytes:
    """The page in the format of that ending."""
    image = cv2.merge([page] * 3) if ending == ".ppm" else page
    return bytes(craft.encoded(image, ending))


@pytest.mark.parametrize("ending", LOSSLESS)
def test_gray_is_read_exactly(read: Reader, craft: SimpleNamespace, page: Gray, ending: str) -> None:
    """A lossless gray file gives its very pixels."""
    (got,) = read(craft.encoded(page, ending))
    assert np.array_equal(got, page)


@pytest.mark.parametrize("ending", [".jpg", ".webp", ".ppm"])
def test_other_formats_are_read(read: Reader, craft: SimpleNamespace, page: Gray, ending: str) -> None:
    """JPEG, WebP and PPM give the page, to within compression."""
    (got,) = read(sample(craft, page, ending))
    assert got.shape == page.shape
    assert np.abs(got.astype(int) - page).mean() < 4


@pytest.mark.parametrize("kind", ["P1", "P2", "P3", "P4", "P5", "P6", "P5 16 bit", "P2 maxval 15"])
def test_every_pnm_is_read(read: Reader, kind: str) -> None:
    """PBM, PGM and PPM, ASCII and binary, with comments, and any maxval at white."""
    bits = np.array([[1, 0, 1, 1, 0], [0, 0, 0, 1, 1]])
    white = np.where(bits, 0, 255)
    text = {
        "P1": b"P1 # made by hand\n5 2\n10110 00011\n",
        "P2": b"P2\n5 2 255\n" + b" ".join(b"%d" % value for value in white.ravel()),
        "P3": b"P3 5 2\n255\n" + b" ".join(b"%d %d %d" % (v, v, v) for v in white.ravel()),
        "P4": b"P4\n5 2\n" + np.packbits(bits, axis=1).tobytes(),
        "P5": b"P5\n# x\n5 2\n255\n" + white.astype(np.uint8).tobytes(),
        "P6": b"P6\n5 2\n255\n" + np.repeat(white, 3).astype(np.uint8).tobytes(),
        "P5 16 bit": b"P5\n5 2\n65535\n" + (white * 257).astype(">u2").tobytes(),
        "P2 maxval 15": b"P2\n5 2\n15\n" + b" ".join(b"%d" % (value // 17) for value in white.ravel()),
    }[kind]
    (got,) = read(text)
    assert np.array_equal(got, white)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpeg", "tiff", "png"])
def test_exif_orientation_is_applied(
    read: Reader, craft: SimpleNamespace, page: Gray, orientation: int, kind: str
) -> None:
    """A page stored in any of EXIF's eight orientations comes out upright."""
    undo = {6: 8, 8: 6}.get(orientation, orientation)
    stored = oriented(page, undo)
    if kind == "jpeg":
        data = craft.with_exif(craft.encoded(stored, ".jpg"), orientation)
    elif kind == "tiff":
        data = craft.tiff([stored], orientation)
    else:
        exif = b"II*\x00" + struct.pack("<IHHHIHHI", 8, 1, 274, 3, 1, orientation, 0, 0)
        plain = craft.encoded(stored, ".png")
        data = plain[:33] + scans.chunk(b"eXIf", exif) + plain[33:]
    (got,) = read(data)
    assert got.shape == page.shape
    assert np.abs(got.astype(int) - page).mean() < 4


@pytest.mark.parametrize("ink", [0, 255])
def test_ink_on_transparent_stays_visible(
    read: Reader, craft: SimpleNamespace, draw: SimpleNamespace, ink: int
) -> None:
    """Black ink and white ink on a transparent page both contrast with what is behind them."""
    alpha = 255 - draw.digit("3")
    image = cv2.merge([draw.paper(100, 100, ink)] * 3 + [alpha])
    (got,) = read(craft.encoded(image, ".png"))
    difference = got[alpha > 250].mean() - got[alpha == 0].mean()
    assert abs(difference) > 200


def test_a_page_with_transparent_corners_keeps_its_paper(
    read: Reader, craft: SimpleNamespace, draw: SimpleNamespace
) -> None:
    """A cut-out photo of a page is put on paper of its own colour, not on its ink's."""
    page = draw.digit("4", 120, paper_value=200)
    alpha = np.full_like(page, 255)
    alpha[:15, :15] = 0
    (got,) = read(craft.encoded(cv2.merge([page] * 3 + [alpha]), ".png"))
    assert abs(int(got[3, 3]) - 200) < 10


def test_a_fully_transparent_page_is_blank(read: Reader, craft: SimpleNamespace, draw: SimpleNamespace) -> None:
    """Where all is transparent there is nothing to see."""
    image = cv2.merge([draw.digit("2")] * 3 + [draw.paper(100, 100, 0)])
    (got,) = read(craft.encoded(image, ".png"))
    assert got.min() == got.max()


@pytest.mark.parametrize("most", [65535, 4095, 1023])
def test_sixteen_bits_keep_their_contrast(
    read: Reader, craft: SimpleNamespace, draw: SimpleNamespace, most: int
) -> None:
    """Pages of 16, 12 and 10 bits in 16-bit files become 8 bits by their own range."""
    page = draw.digit("5")
    deep = (page.astype(np.float64) * most / 255).astype(np.uint16)
    for ending in (".png", ".tiff"):
        (got,) = read(craft.encoded(deep, ending))
        assert np.abs(got.astype(int) - page).max() <= 1


@pytest.mark.parametrize("colour", [(0, 255, 255), (235, 190, 215), (200, 60, 40), (190, 240, 190)])
def test_coloured_ink_on_white_keeps_its_contrast(
    read: Reader, craft: SimpleNamespace, draw: SimpleNamespace, colour: tuple[int, int, int]
) -> None:
    """Yellow, pastel, ballpoint and mint ink on white differ from the paper by at least 15 %."""
    page = draw.digit("2")[..., None]
    image = np.where(page < 128, np.array(colour, np.uint8), np.uint8(255))
    (got,) = read(craft.encoded(image, ".png"))
    assert int(got[page[..., 0] == 255].mean()) - int(got[page[..., 0] == 0].mean()) > 38


def test_pages_of_a_tiff_come_one_by_one(read: Reader, craft: SimpleNamespace, draw: SimpleNamespace) -> None:
    """A TIFF of many pages, of either byte order, gives each of them in order."""
    images = [draw.digit(name, 60) for name in "1234"]
    for order in "<>":
        got = read(craft.tiff(images, order=order))
        assert len(got) == 4
        assert all(np.array_equal(one, other) for one, other in zip(got, images, strict=True))


def test_a_pdf_is_rendered(read: Reader, craft: SimpleNamespace) -> None:
    """Each page of a PDF is rendered at 200 dpi, white with its ink black."""
    got = read(craft.pdf(3))
    assert [image.shape for image in got] == [(200, 400)] * 3
    assert got[0].min() < 10
    assert got[0].max() == 255


def test_a_pdf_page_is_rendered_within_the_limit(read: Reader, craft: SimpleNamespace) -> None:
    """A PDF page larger than the limit of pixels is rendered smaller, not refused."""
    (got,) = read(craft.pdf(), pixels=5000)
    assert 3000 < got.size <= 5000


def test_a_bmp_with_an_unused_fourth_byte_is_not_transparent(read: Reader, draw: SimpleNamespace) -> None:
    """A 32-bit BMP whose fourth bytes are zero shows its picture."""
    page = draw.digit("7", 40)
    pixels = cv2.merge([page] * 3 + [np.zeros_like(page)])[::-1]
    header = b"BM" + struct.pack("<IHHI", 54 + pixels.nbytes, 0, 0, 54)
    header += struct.pack("<IiiHHIIiiII", 40, 40, 40, 1, 32, 0, pixels.nbytes, 2835, 2835, 0, 0)
    (got,) = read(header + pixels.tobytes())
    assert np.array_equal(got, page)


def test_an_empty_file_is_named_so(read: Reader) -> None:
    """No bytes is an error of its own."""
    with pytest.raises(EmptyScanError):
        read(b"")


def test_zeros_alone_count_as_cut_short(read: Reader) -> None:
    """A writer that reserved the place first may be still to come."""
    with pytest.raises(TruncatedScanError, match="zero bytes"):
        read(bytes(5000))


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE html><html><body>404</body></html>",
        b"GIF89a" + b"\x00" * 60,
        b"\x00\x00\x00\x18ftypheic" + b"\x00" * 60,
        b"PK\x03\x04" + b"\x00" * 60,
        b"just some text that is not an image at all",
        bytes(range(256)) * 4,
    ],
)
def test_what_is_no_image_is_refused_with_a_remedy(read: Reader, data: bytes) -> None:
    """Web pages, GIFs, HEIC photos, archives, text and zeros are not images, and the error says what to do."""
    with pytest.raises(NotAnImageError) as caught:
        read(data)
    assert caught.value.cause
    assert caught.value.remedy


@pytest.mark.parametrize("ending", FORMATS)
def test_a_cut_file_is_never_half_read(read: Reader, craft: SimpleNamespace, page: Gray, ending: str) -> None:
    """A file that ends at any place before its end is truncated, never read."""
    data = sample(craft, page, ending)
    places = sorted({*range(1, 40), *range(40, len(data), max(1, len(data) // 60)), len(data) - 1})
    if ending == ".jpg":
        places.remove(len(data) - 1)
    for place in places:
        with pytest.raises(TruncatedScanError):
            read(data[:place])


@pytest.mark.parametrize("kind", ["tiff", "pdf", "progressive"])
def test_a_cut_document_is_never_half_read(read: Reader, craft: SimpleNamespace, page: Gray, kind: str) -> None:
    """The same for TIFFs of many pages, PDFs, and progressive JPEGs, whose beginning is a whole blurry image."""
    data: bytes = {
        "tiff": craft.tiff([page, page, page]),
        "pdf": craft.pdf(3),
        "progressive": bytes(cv2.imencode(".jpg", page, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1]),
    }[kind]
    for place in range(1, len(data) - 8, max(1, len(data) // 80)):
        with pytest.raises(TruncatedScanError):
            read(data[:place])


def test_a_jpegs_thumbnail_does_not_end_it(read: Reader, craft: SimpleNamespace, page: Gray) -> None:
    """A cut JPEG whose EXIF has a whole thumbnail is truncated all the same."""
    small = craft.encoded(page[::4, ::4], ".jpg")
    data = craft.with_exif(craft.encoded(page, ".jpg"), 1, small)
    assert read(data)[0].shape == page.shape
    with pytest.raises(TruncatedScanError):
        read(data[: len(data) * 2 // 3])


@pytest.mark.parametrize("ending", FORMATS)
def test_bytes_after_the_end_are_ignored(read: Reader, craft: SimpleNamespace, page: Gray, ending: str) -> None:
    """What follows a whole image (a maker's data, padding) does no harm."""
    data = sample(craft, page, ending)
    assert np.array_equal(read(data + b"\x00garbage" * 20)[0], read(data)[0])


def test_an_update_of_a_pdf_that_was_cut_is_truncated(read: Reader, craft: SimpleNamespace) -> None:
    """A PDF whose second revision was cut still has the first one's end marker, and is truncated."""
    with pytest.raises(TruncatedScanError):
        read(craft.pdf() + b"9 0 obj\n<< /Type /Page")


def test_an_encrypted_pdf_asks_for_a_password(read: Reader, craft: SimpleNamespace) -> None:
    """A PDF with a user's password is encrypted, which is no damage."""
    with pytest.raises(EncryptedScanError):
        read(craft.pdf(encrypted=True))


def test_a_pdf_without_pages_is_damaged_whatever_was_read_before(read: Reader, craft: SimpleNamespace) -> None:
    """PDFium keeps its last error, and the next document that it opens may have none of its own."""
    with pytest.raises(EncryptedScanError):
        read(craft.pdf(encrypted=True))
    with pytest.raises(DamagedScanError, match="cannot be opened"):
        read(scans.pdf_of([b"<</Type/Catalog>>"]))


@pytest.mark.parametrize("kind", ["png", "tiff", "bmp", "pgm", "jpeg", "webp"])
def test_a_bomb_is_refused_by_its_header(craft: SimpleNamespace, page: Gray, kind: str) -> None:
    """Huge dimensions are refused by the call itself, before anything is decoded or allocated."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    jpeg = bytearray(craft.encoded(page, ".jpg"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 60_000, 60_000)
    tiff = craft.tiff([page]).replace(
        struct.pack("<HHIHH", 256, 3, 1, page.shape[1], 0), struct.pack("<HHIHH", 256, 3, 1, 65_000, 0)
    )
    webp = bytearray(craft.encoded(page, ".webp"))
    webp[12:30] = b"VP8X" + struct.pack("<II", 10, 0) + b"\xff\xff\xff" + b"\xff\xff\xff"
    data = {
        "png": craft.png([(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]),
        "tiff": tiff,
        "bmp": b"BM"
        + struct.pack("<IHHI", 54, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, 99_999, 99_999, 1, 8, 1, *[0] * 5),
        "pgm": b"P5 100000 30000 255\n",
        "jpeg": bytes(jpeg),
        "webp": bytes(webp),
    }[kind]
    with pytest.raises(TruncatedScanError if kind == "pgm" else TooManyPixelsError):
        pages(data, Limits(bytes=1 << 20, pixels=1_000_000, pages=5))


def test_a_second_header_does_not_hide_a_bomb(craft: SimpleNamespace, page: Gray) -> None:
    """Limits go by what decoders go by: a JPEG's first frame, and of a TIFF's field the first, signed too."""
    limits = Limits(bytes=1 << 20, pixels=1_000_000, pages=1)
    jpeg = craft.encoded(page, ".jpg")
    at = jpeg.index(b"\xff\xc0")
    frame = jpeg[at : at + 2 + struct.unpack_from(">H", jpeg, at + 2)[0]]
    large = frame[:5] + struct.pack(">HH", 60_000, 60_000) + frame[9:]
    bombs = [jpeg[:at] + large + jpeg[at + len(frame) : -2] + frame + jpeg[-2:]]
    bombs += [directory((256, kind, 60_000), (256, 4, 10), (257, kind, 60_000), (257, 4, 10)) for kind in (4, 9)]
    for bomb in bombs:
        with pytest.raises(TooManyPixelsError):
            pages(bomb, limits)
    with pytest.raises(DamagedScanError):
        pages(directory((256, 9, 2**32 - 10), (257, 4, 60_000)), limits)


def directory(*sizes: tuple[int, int, int]) -> bytes:
    """A TIFF whose size is in these fields: tag, type, value."""
    fields = [*sizes, (273, 4, 8), (279, 4, 9)]
    packed = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in fields)
    return b"II*\0" + struct.pack("<IH", 8, len(fields)) + packed + bytes(4)


def test_broken_frames_of_a_png_do_not_matter(read: Reader, craft: SimpleNamespace, page: Gray) -> None:
    """Of an animation only its picture is read: the library is not even shown the rest, of which it may crash."""
    data = craft.encoded(page, ".png")
    moves = scans.chunk(b"acTL", struct.pack(">II", 2, 0)) + scans.chunk(b"fcTL", bytes(26))
    [found] = read(data[:33] + moves + data[33:-12] + scans.chunk(b"fdAT", b"\xff" * 30) + data[-12:])
    assert np.array_equal(found, page)


def test_what_is_no_number_among_floats_is_read_without_a_warning(
    read: Reader, craft: SimpleNamespace, page: Gray
) -> None:
    """A NaN that signals, which converting it complains of, is as good as any."""
    samples = (page / np.float32(255)).astype(np.float32)
    samples.view(np.uint32)[0, 0] = 0x7F80_0001
    [found] = read(craft.encoded(samples, ".tiff"))
    assert np.abs(found.astype(int) - page)[1:].max() <= 1


def test_limits_of_bytes_and_pages_hold(craft: SimpleNamespace, page: Gray) -> None:
    """Too many bytes and too many pages are refused by the call itself."""
    with pytest.raises(TooManyBytesError):
        pages(craft.encoded(page, ".png"), Limits(bytes=100, pixels=1 << 20, pages=5))
    for data in (craft.tiff([page] * 4), craft.pdf(4)):
        assert len(list(pages(data, Limits(bytes=1 << 20, pixels=1 << 20, pages=4)))) == 4
        with pytest.raises(TooManyPagesError):
            pages(data, Limits(bytes=1 << 20, pixels=1 << 20, pages=3))


def test_a_tiff_whose_pages_run_in_a_circle_is_damaged(read: Reader, craft: SimpleNamespace, page: Gray) -> None:
    """A chain of pages that comes back to its beginning does not hang."""
    data = bytearray(craft.tiff([page]))
    data[-4:] = data[4:8]
    with pytest.raises(DamagedScanError):
        read(bytes(data))


def test_previews_in_a_tiff_are_no_pages_but_have_a_limit(craft: SimpleNamespace, page: Gray) -> None:
    """A page comes with a few smaller copies of itself; thousands are refused like too many pages."""
    limits = Limits(bytes=1 << 22, pixels=1 << 20, pages=2)
    (got,) = pages(craft.tiff([page, *[page[::4, ::4]] * 8], previews=True), limits)
    assert np.array_equal(got, page)
    with pytest.raises(TooManyPagesError):
        pages(craft.tiff([page, *[page[::4, ::4]] * 40], previews=True), limits)


def test_tiff_directories_upon_each_other_are_damaged(read: Reader) -> None:
    """Thousands of directories that all name the same long list of strips cost no more than their file's length."""
    strips = 50_000
    data = bytearray(b"II*\x00" + struct.pack("<I", 8 + strips * 4) + struct.pack("<I", 8) * strips)
    for _ in range(150):
        data += struct.pack("<H", 4)
        for tag, kind, count, value in ((256, 4, 1, 9), (257, 4, 1, 9), (273, 4, strips, 8), (279, 4, strips, 8)):
            data += struct.pack("<HHII", tag, kind, count, value)
        data += struct.pack("<I", len(data) + 4)
    data[-4:] = bytes(4)
    with pytest.raises(DamagedScanError, match="upon each other"):
        read(bytes(data), pages=1000)


@pytest.mark.parametrize("piece", [1, 2, 7])
def test_ascii_pnm_is_read_piece_by_piece(monkeypatch: pytest.MonkeyPatch, read: Reader, piece: int) -> None:
    """Millions of numbers are not held at once, and none is cut in two; one that is too large is damage."""
    monkeypatch.setattr(pnm, "AT_ONCE", piece)
    values = np.random.default_rng(2).integers(0, 256, (6, 5)).astype(np.uint8)
    text = b"P2\n5 6 255\n" + b"\n".join(b"%d " % value for value in values.ravel())
    assert np.array_equal(read(text)[0], values)
    with pytest.raises(DamagedScanError):
        read(text.replace(b"255\n", b"255\n99999 ", 1))


def test_damaged_pixels_are_damaged(read: Reader, craft: SimpleNamespace, page: Gray) -> None:
    """A PNG whose compressed data were changed is damaged: nothing of it is read."""
    data = bytearray(craft.encoded(page, ".png"))
    at = data.index(b"IDAT") + 30
    data[at : at + 8] = b"\x55" * 8
    with pytest.raises(DamagedScanError):
        read(bytes(data))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_nothing_but_scan_errors_escapes(data: st.DataObject) -> None:
    """Whatever bytes come, with whatever beginning and damage, they are read or end in a ScanError."""
    page = np.full((20, 24), 255, np.uint8)
    page[5:15, 8:12] = 0
    ending = data.draw(st.sampled_from([".png", ".jpg", ".tiff", ".bmp", ".webp", ".pgm"]))
    whole = bytearray(cv2.imencode(ending, page)[1].tobytes())
    for _ in range(data.draw(st.integers(0, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))
    try:
        got = list(pages(bytes(whole[:cut]), Limits(bytes=1 << 20, pixels=1 << 18, pages=5)))
    except ScanError:
        return
    assert all(image.ndim == 2 and image.dtype == np.uint8 for image in got)


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=300), st.sampled_from([b"", b"P5 ", b"P1\n", b"II*\x00", b"%PDF-1.7\n", b"BM", b"\xff\xd8\xff"])
)
def test_random_bytes_end_in_scan_errors(body: bytes, magic: bytes) -> None:
    """Random bytes, with or without a format's magic before them, never raise anything else."""
    try:
        list(pages(magic + body, Limits(bytes=1 << 20, pixels=1 << 18, pages=5)))
    except ScanError:
        pass


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize(("side", "by"), [(799, 1), (800, 2), (1600, 4), (3200, 8), (9000, 8)])
def test_a_large_jpeg_is_decoded_no_larger_than_needed(
    craft: SimpleNamespace, draw: SimpleNamespace, side: int, by: int, colours: int, orientation: int
) -> None:
    """Of its size a half, a quarter or an eighth is decoded where 400 px are enough and left; its own size is told."""
    gray = cv2.resize(draw.digit("7", 90), (side, side // 4))
    data = craft.with_exif(craft.encoded(gray if colours == 1 else cv2.merge([gray] * 3), ".jpg"), orientation)
    (sheet,) = sheets(data, Limits(10**9, 10**9, 10), 400)
    size = (side, side // 4) if orientation == 1 else (side // 4, side)
    assert sheet.size == size
    assert sheet.image.shape == tuple(-(-length // by) for length in reversed(size))
    (whole,) = pages(data, Limits(10**9, 10**9, 10))
    small = cv2.resize(whole, sheet.image.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - sheet.image).mean() < 3
