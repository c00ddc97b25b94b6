"""What a timeline of predictions says: events, burden, and the formats that carry them."""
