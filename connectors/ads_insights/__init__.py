"""Ads insights: report runs from submission to their last row, and synchronous answers where they are one page."""
