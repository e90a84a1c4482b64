"""The user's own declarations: found in their folder, checked, and put beside those that candlelake ships."""
