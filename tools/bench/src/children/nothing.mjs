// Does nothing: its peak memory is what Node itself takes.
void 0
