"""What labelled scans are labelled with."""

import pytest

from digitd import labels


def texts(table: str) -> dict[str, str]:
    """The labels of a table by their paths."""
    return {path: entry.label for path, entry in labels.in_table(table).items()}


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
    assert texts("label,what,path\n12_3__4,stack,a/b.tif\n,blank,c.png\n1____3,a blank page in it,d.tif\n") == {
        "a/b.tif": "12\n3\f4",
        "c.png": "",
        "d.tif": "1\f\f3",
    }


def test_every_entry_knows_its_line() -> None:
    """Lines count from 1 as an editor shows them, empty ones too."""
    found = labels.in_table("path,label\n\na.png,1\n,\nb.png,2\n")
    assert [(path, entry.line) for path, entry in found.items()] == [("a.png", 3), ("b.png", 5)]


@pytest.mark.parametrize(
    "table",
    [
        "Path;Label\r\na.png;7\r\n",
        "NAME\tLABEL\na.png\t7\n",
        " path , label \n a.png , 7 \n",
        "what;path;label\nmuch, and more;./a.png;7\n;;\n",
        'label,path\n7,"a.png"\n7,a.png\n',
    ],
    ids=["semicolons", "tabs", "blanks", "commas inside", "twice alike"],
)
def test_a_table_as_programs_write_it(table: str) -> None:
    """Semicolons, tabs, capitals, blanks around, empty rows at the end, and the same row twice."""
    assert texts(table) == {"a.png": "7"}


def test_a_table_without_its_columns_is_refused() -> None:
    """The message names the columns; of an empty file too."""
    for table in ("file;label\n", "", "path\n"):
        with pytest.raises(ValueError, match="path"):
            labels.in_table(table)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("a.png,1\nb.png\n", "line 3 has no label"),
        ("a.png,1\n,2\n", "line 3 has no path"),
        ("a.png,x7\n", "line 2 has the label 'x7'"),
        ("a.png,0 1\n", "line 2 has the label '0 1'"),
        ("a.png,1_\n", "line 2 has the label '1_'"),
        ("a.png,٣\n", "line 2 has the label"),
        ("a.png,1\nb.png,2\na.png,3\n", "line 4 gives a.png another label than line 2"),
        ("a.png,1,2\n", "line 2 has more cells"),
    ],
)
def test_a_row_that_says_nothing_certain_is_refused(rows: str, words: str) -> None:
    """The message names the line: what is no label would be counted as an error of the reading."""
    with pytest.raises(ValueError, match=words):
        labels.in_table(f"path,label\n{rows}")
