"""Which files of the inbox are ready to be read.

Events are hints (watch.py), the directory listing is the truth (rescan.py); settle.py decides
when a file's writer is done, ignore.py what is no scan, order.py who comes first. Paths are
`str`, relative to the inbox with `/`, bytes that are no UTF-8 as surrogate escapes.
"""
