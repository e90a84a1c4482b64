"""`candlelake splits`: doubts about splits and prices, and the user's rulings."""
