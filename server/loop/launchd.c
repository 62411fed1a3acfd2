/* Replaces systemd.c on macOS: launchd hands over the sockets that the list of the service calls "Listeners", and wants
 * no reports. */
#include "systemd.h"

#include <launch.h>
#include <stdlib.h>

int quern_systemd_sockets(int *first)
{
    int *descriptors = NULL;
    size_t count = 0;
    if (launch_activate_socket("Listeners", &descriptors, &count) != 0 || count == 0)
        return 0;
    *first = descriptors[0];
    free(descriptors);
    return (int)count;
}

struct quern_systemd quern_systemd_open(void)
{
    return (struct quern_systemd){.socket = -1};
}

void quern_systemd_tell(const struct quern_systemd *systemd, const char *what)
{
    (void)systemd;
    (void)what;
}

void quern_systemd_close(struct quern_systemd *systemd)
{
    (void)systemd;
}
