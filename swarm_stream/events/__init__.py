"""What agents say: event types, the writer that mints their ids, and the fold that shows them."""
