"""What the product costs, measured beside something that everybody has; the figures stand in README.md."""
