/* The system and the machine. */
#ifndef QUERN_WINDOWS_UTSNAME_H
#define QUERN_WINDOWS_UTSNAME_H

struct utsname {
    char sysname[16], release[32], machine[16];
};

#define uname quern_windows_uname
int quern_windows_uname(struct utsname *name);

#endif
