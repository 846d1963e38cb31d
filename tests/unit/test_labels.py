"""What labelled scans are labelled with."""

import pytest

from digitd import labels


@pytest.mark.parametrize(
    ("stem", "label"),
    [
        ("hand12-3-label7", "7"),
        ("field-label12_34", "12\n34"),
        ("stack-label1__2_3", "1\f2\n3"),
        ("scan", None),
        ("label", None),
        ("label7-copy", None),
    ],
)
def test_a_label_is_the_end_of_a_name(stem: str, label: str | None) -> None:
    """One underscore parts lines, two part pages; a name without a label has none."""
    assert labels.in_name(stem) == label


def test_a_table_has_paths_and_labels() -> None:
    """The columns may stand in any order and beside others; an empty label is the label of a blank page."""
    assert labels.in_table("label,what,path\n12_3__4,stack,a/b.tif\n,blank,c.png\n") == {
        "a/b.tif": "12\n3\f4",
        "c.png": "",
    }


def test_a_table_without_its_columns_is_refused() -> None:
    """The message names the columns."""
    with pytest.raises(ValueError, match="path"):
        labels.in_table("file;label\n")


def test_a_row_without_a_label_is_refused() -> None:
    """The message names the line."""
    with pytest.raises(ValueError, match="line 3"):
        labels.in_table("path,label\na.png,1\nb.png\n")
