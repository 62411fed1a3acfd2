#include "temporary_file.h"

#include "base/system/system.h"
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LEAST_ROOM (UINT64_C(1) << 30) /* of memory; containers often have 64 MiB there */

/* In memory, writing waits for no disk. */
static bool has_memory(void)
{
    struct statvfs room;
    return access("/dev/shm", W_OK | X_OK) == 0 && statvfs("/dev/shm", &room) == 0 &&
           (uint64_t)room.f_bavail * room.f_frsize >= LEAST_ROOM;
}

int quern_cli_temporary_make(struct quern_cli_temporary *temporary, const char *name, bool in_memory)
{
    const char *place = getenv("TMPDIR");
    if (place == NULL || !quern_system_is_absolute(place) || strlen(place) > 240)
        place = in_memory && has_memory() ? "/dev/shm" : "/tmp";
    snprintf(temporary->folder, sizeof temporary->folder, "%s/quern-XXXXXX", place);
    if (mkdtemp(temporary->folder) == NULL) {
        quern_cli_say("cannot make the folder %s: %s", temporary->folder, strerror(errno));
        temporary->folder[0] = '\0';
        return QUERN_CLI_FAILED;
    }
    snprintf(temporary->file, sizeof temporary->file, "%s/%.20s", temporary->folder, name);
    quern_cli_remove_on_signal(temporary->folder);
    quern_cli_remove_on_signal(temporary->file);
    snprintf(temporary->part, sizeof temporary->part, "%s.part", temporary->file);
    quern_cli_remove_on_signal(temporary->part);
    return QUERN_CLI_DONE;
}

void quern_cli_temporary_remove(struct quern_cli_temporary *temporary)
{
    if (temporary->folder[0] == '\0')
        return;
    unlink(temporary->part);
    unlink(temporary->file);
    rmdir(temporary->folder);
    quern_cli_keep_on_signal(temporary->part);
    quern_cli_keep_on_signal(temporary->file);
    quern_cli_keep_on_signal(temporary->folder);
    temporary->folder[0] = '\0';
}
