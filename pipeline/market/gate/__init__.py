"""The gate of the tables: cleaning, and the audit that every row is accounted for."""
