"""The status page: what a store says of itself in a browser, read-only; decisions pure, templates as files."""
