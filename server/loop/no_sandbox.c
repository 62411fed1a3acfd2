/* Replaces sandbox.c where the system is not Linux. */
#include "sandbox.h"

#include <errno.h>
#include <stdio.h>

struct quern_sandbox_state quern_sandbox_enter(const struct quern_sandbox *sandbox)
{
    (void)sandbox;
    return (struct quern_sandbox_state){.landlock_error = ENOSYS, .seccomp_error = ENOSYS};
}

void quern_sandbox_describe(const struct quern_sandbox_state *state, char text[static QUERN_SANDBOX_TEXT])
{
    (void)state;
    snprintf(text, QUERN_SANDBOX_TEXT, "none: quern has one for Linux only");
}
