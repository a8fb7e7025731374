"""How we ask: one connector per family, over one Graph client, over one HTTP client."""
