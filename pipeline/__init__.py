"""candlelake: every US stock, on your laptop, ranked by tomorrow morning."""
