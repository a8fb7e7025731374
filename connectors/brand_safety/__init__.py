"""Brand safety: hourly files of what stood beside ads, reports of single ad sets, and the content itself."""
