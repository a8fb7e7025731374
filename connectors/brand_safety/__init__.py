"""Brand safety: which hours there are, which files an hour has, the files themselves, and the content beside ads."""
