"""From raw pages to typed tables: a quick path for what is as declared, a careful one for everything else."""
