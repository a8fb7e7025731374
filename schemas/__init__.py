"""The words everyone uses: tables, reports, periods and the values that travel between the rooms."""
