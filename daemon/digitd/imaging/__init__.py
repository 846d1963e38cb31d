"""Bytes to glyphs in MNIST's form, in four pure stages: decode, clean, segment, normalise."""
