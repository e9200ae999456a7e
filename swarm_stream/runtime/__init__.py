"""The kernel side: the IO thread, the link to the server, sessions and their manager."""
