"""What the reader of an error about a scan can do: sentences that several modules share."""

SEND_AGAIN = "Scan or copy it again"
CONVERT = "Save it as PNG, JPEG, TIFF or PDF, and drop that"
