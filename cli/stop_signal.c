#include "cli.h"

#include <signal.h>

static volatile sig_atomic_t stopped_by; /* the number of a signal; 0: none came */

/* Notes the first signal; a second one ends the process as usual. */
static void note_signal(int number)
{
    stopped_by = number;
    signal(number, SIG_DFL);
}

void quern_cli_stop_on_signals(void)
{
    signal(SIGTERM, note_signal);
    signal(SIGINT, note_signal);
    signal(SIGUSR1, note_signal);
}

int quern_cli_stop_signal(void)
{
    return stopped_by;
}
