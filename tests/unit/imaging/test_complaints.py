"""What libraries print of a damaged image, and of one that is whole."""

import pytest

from digitd.imaging.complaints import damage


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("Corrupt JPEG data: premature end of data segment\n", "Corrupt JPEG data: premature end of data segment"),
        (
            "[ERROR:0@0.074] global grfmt_tiff.cpp:117 TIFF_Error ZIPDecode: Decoding error at scanline 0\n",
            "TIFF_Error ZIPDecode: Decoding error at scanline 0",
        ),
        ("something else\nlibpng error: IDAT: CRC error\n", "libpng error: IDAT: CRC error"),
        ("[ WARN:0@0.038] global a.cpp:1 TIFF_Warning Fax4Decode: Premature EOL at line 130\n", "TIFF_Warning"),
    ],
)
def test_damage_is_heard(printed: str, said: str) -> None:
    """The line that says so is given, without where in the library it was said."""
    found = damage(printed)
    assert found is not None
    assert found.startswith(said)


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "libpng warning: iCCP: known incorrect sRGB profile\n",
        "Corrupt JPEG data: 12 extraneous bytes before marker 0xd9\n",
        "[ WARN:0@0.1] global a.cpp:1 TIFF_Warning: Unknown field with tag 34016 (0x84e0) encountered\n",
    ],
)
def test_harmless_words_are_no_damage(printed: str) -> None:
    """Profiles, unknown tags, and what cameras leave before the end marker cost nothing of the picture."""
    assert damage(printed) is None
