"""What every family says to Graph and hears from it: calls, replies, faults, usage, batches. Knows no family."""
