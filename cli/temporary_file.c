#include "temporary_file.h"

#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In memory, writing waits for no disk. */
int quern_cli_temporary_make(struct quern_cli_temporary *temporary)
{
    const char *place = getenv("TMPDIR");
    if (place == NULL || place[0] != '/' || strlen(place) > 40)
        place = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(temporary->folder, sizeof temporary->folder, "%s/quern-XXXXXX", place);
    if (mkdtemp(temporary->folder) == NULL) {
        quern_cli_say("cannot make the folder %s: %s", temporary->folder, strerror(errno));
        temporary->folder[0] = '\0';
        return QUERN_CLI_FAILED;
    }
    snprintf(temporary->file, sizeof temporary->file, "%s/vectors.qidx", temporary->folder);
    return QUERN_CLI_DONE;
}

void quern_cli_temporary_remove(struct quern_cli_temporary *temporary)
{
    if (temporary->folder[0] == '\0')
        return;
    unlink(temporary->file);
    rmdir(temporary->folder);
    temporary->folder[0] = '\0';
}
