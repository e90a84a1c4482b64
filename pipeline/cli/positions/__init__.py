"""`candlelake positions`: records and shows what you hold."""
