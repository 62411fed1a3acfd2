/* Replaces systemd.c on Windows, whose services start programs in another way. */
#include "systemd.h"

int quern_systemd_sockets(int *first)
{
    (void)first;
    return 0;
}

struct quern_systemd quern_systemd_open(void)
{
    return (struct quern_systemd){.socket = -1};
}

void quern_systemd_close(struct quern_systemd *systemd)
{
    (void)systemd;
}

void quern_systemd_tell(const struct quern_systemd *systemd, const char *what)
{
    (void)systemd;
    (void)what;
}
