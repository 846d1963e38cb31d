"""digitd: watches a folder for scans of handwritten digits, reads them in batches, publishes JSON and CSV."""

__version__ = "0.1.0"
