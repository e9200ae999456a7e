"""How people see a run: the widget, the MIME bundle and what stays in the notebook file."""
