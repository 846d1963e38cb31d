"""Names that no person gives: what breaks a log, a table, a terminal or a path, if it is let."""

ENDING = b".png"
NAMES: tuple[bytes, ...] = tuple(
    name + ENDING
    for name in (
        b"\xff\xfe no utf-8", b"half \xc3", b"surrogate \xed\xa0\x80", b"new\nline", b"return\rline", b"tab\there",
        b"\x1b[2J\x1b[31mred", b"\x1b]0;title\x07", b"bell\x07", b"back\x08space", b"delete\x7f", b"\xc2\x9b31m",
        b"-rf", b"--help", b"-", b"=cmd|' /C calc'!A0", b"+1+1", b"-1-1", b"@SUM(A1)", b"\t=1", b"'quoted'",
        b'"double"',
        b"comma, semicolon; pipe|", b"$(touch owned)", b"`touch owned`", b"; touch owned", b"& touch owned",
        b"%s%n%d", b"{0.__class__}", b"${HOME}", b"%HOME%", b"~root", b"*", b"?[a-z]", b"back\\slash", b"..", b"...",
        b" leading", b"trailing ", b"trailing.", b"CON", b"nul", b"a" * 251, "\u202egnp.exe".encode(),
        "\u2066isolate\u2069".encode(), "zero\u200bwidth".encode(), "line\u2028separator".encode(),
        "bom\ufeff".encode(),
        "e\u0301".encode(), "\u00e9".encode(), "\U0001f4a9".encode(), b"<script>alert(1)</script>".replace(b"/", b"\\"),
        b"<img src=x onerror=alert(1)>", b"]]>", b"&lt;amp&amp;", b"null", b"true", b"1e999", b"name~2", b"name.png~2",
        b"results-20200101T000000Z-000001.csv", b"lock", b"scan.png.json", b"very" * 60,
    )
)  # fmt: skip
