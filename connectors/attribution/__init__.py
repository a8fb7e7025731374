"""Advanced Attribution, an old API of invited partners: what is read, what is made, how a report run ends."""
