"""The unit, proven: a Debian is booted, digitd installed in it as a user would, and looked at from all sides."""
