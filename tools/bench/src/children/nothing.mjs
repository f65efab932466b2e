// What Node itself takes.
void 0
