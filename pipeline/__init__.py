"""What happens, and when: plan, run, normalise, land, publish."""
