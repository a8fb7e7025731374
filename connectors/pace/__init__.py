"""May this call go now, and if not, when: quotas are deadlines, kept apart from the waiting for them."""
