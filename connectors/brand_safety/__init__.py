"""Brand safety: which hours there are, which files an hour has, and the files themselves."""
