"""What becomes of the lake when processes are killed, stopped, too many, or meet a machine that fails them."""
